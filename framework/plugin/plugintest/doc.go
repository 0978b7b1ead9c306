// Package plugintest is the conformance kit for a method's own tests, in Go:
// package conformance tries the built binary as a black box, and what only Go
// can see (gradients, weights after a merge, goroutines) is tried in this process.
//
//	func TestConformance(t *testing.T) {
//		plugintest.Run(t, func() sdk.Method { return mine{} })
//	}
//
// An adapter's test is RunAdapter.
package plugintest
