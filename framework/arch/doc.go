// Package arch holds the test of the boundaries between rooms: which package
// may import which. The table of rooms is that of ARCHITECTURE.md, which the test
// reads. A new package needs a room there; a new import across rooms needs a good
// reason first and a word in the table then.
package arch
