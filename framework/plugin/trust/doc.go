// Package trust decides which plugin binaries may be loaded: what their file
// names say (FileName), which versions a constraint allows (Version,
// Constraint), and which bytes tunelab.lock holds (Lock).
//
// A lock file pins each plugin by the SHA-256 of its binary for each platform,
// as Terraform's dependency lock file does for its providers. It is written by
// `tunelab plugins install` and committed with the study that needs it.
package trust
