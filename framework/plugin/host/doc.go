// Package host finds, launches, supervises and stops method plugins.
//
// What runs is a private copy of the plugin's binary, made while it is hashed. It
// runs in its own process group with an explicit environment, and its group, whose
// memory and CPU time are the plugin's, ends with the client. When the host itself
// dies, a plugin gets SIGTERM (on Linux); the SDK then ends the group. Copy and
// sockets lie in a folder of their own, and those that a killed host left are
// removed at the next launch, after the processes (on Linux) that were left because
// the plugin was killed with it.
// ../OVERHEAD.md has what all that costs.
//
// Whatever a plugin does, a call returns one clear error: a crash with its
// signal and the log's tail (CrashedError), silence (HungError), a program that
// is no plugin or speaks another protocol (ProtocolError), more memory than the
// budget allows (MemoryError), a mistake in the configuration
// (spec.Diagnostics).
package host
