// Package storetest tests any tracking.Store through its interface alone. A new
// implementation is right when it passes:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, clock func() time.Time) tracking.Store {
//			return open(t, t.TempDir(), clock)
//		})
//	}
//
// What the interface cannot show, such as surviving kill -9, is for the
// implementation's own tests.
package storetest
