// Package conformance tries a method plugin as a black box, in whatever
// language it is written: it makes a tiny model and a tiny task, launches the
// binary as the host does, runs, stops, kills and resumes it, and says of each
// thing that a plugin must do whether it does.
//
//	report, err := conformance.Run(ctx, conformance.Options{Binary: "./tunelab-plugin-mine"})
//
// CHECKS.md lists what is demanded, with a faulty plugin that shows each check. A
// check that cannot be made of a plugin is reported with its reason, never
// left out. It follows csi-sanity, the kit of the Container Storage Interface.
//
// The program that calls Run is started again, as a host to be killed: see
// parent.go.
package conformance
