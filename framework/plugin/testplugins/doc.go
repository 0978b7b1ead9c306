// Package testplugins builds the plugins that the tests of the host, of runs and
// of the lab drive: one binary (counter), which needs no model and finishes in
// milliseconds, under a name for each way to behave.
//
//	var plugins string // folder
//
//	func TestMain(m *testing.M) { os.Exit(testplugins.Main(m, &plugins)) }
//
// Named "counter" it is a good method; its parameter fault makes it fail while
// it runs. Under the names of Broken it fails before that.
package testplugins
