// Package host finds, launches, supervises and stops method plugins.
//
// A plugin runs in its own process group with an explicit environment and dies
// with the host. Whatever it does, a call returns one clear error: a crash
// with its signal and the log's tail (CrashedError), silence (HungError), a
// program that is no plugin or speaks another protocol (ProtocolError), a
// mistake in the configuration (spec.Diagnostics).
package host
