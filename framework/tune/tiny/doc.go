// Package tiny makes what a method can be tried on in milliseconds: a random
// model folder and small tasks that it can learn. Tests of methods use it
// (package tunetest), and so does the conformance kit, on a machine that has no
// model.
package tiny
