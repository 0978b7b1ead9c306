// Package artifact keeps the files that runs read and make, each once, under
// the SHA-256 of its content.
//
// A blob lies at ROOT/ab/cdef..., the first two hexadecimal digits being the
// folder. It gets there by a temporary file in ROOT/tmp that is synced and
// renamed, so that a blob is whole or not there, also after a power loss. Blobs
// are read-only; nothing is ever changed in place.
//
// Which run names which blob stands in the tracking.Store. Collect deletes the
// blobs that no run names. A blob that was just put, and is about to be named,
// is protected by its age.
package artifact
