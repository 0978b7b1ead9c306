// Package sdk is what the author of a method plugin imports: implement Method
// and call Serve from main.
//
// A plugin is a process of its own. It is given files by path (Input), streams
// what happens (Output), and leaves its result in Output.ArtifactDir. It never
// sees a test answer; predictions are asked later, in a fresh process.
//
// The host starts it; by hand, `BINARY describe` prints what it is.
package sdk
