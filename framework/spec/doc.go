// Package spec is a run as data: the model, task, method, parameters, seed and
// budget that decide its numbers, and nothing about one machine.
//
// It knows no other package of this module. The host, the plugins and the
// notebook all speak in its types; on the wire they travel as canonical JSON,
// whose SHA-256 is the run's identity.
package spec
