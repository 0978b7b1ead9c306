// Package arch holds the test of the boundaries between rooms: which package
// may import which. ARCHITECTURE.md says what each room is for; the table is in
// arch_test.go. A new package needs a room there; a new import across rooms
// needs a good reason first and a word in the table then.
package arch
