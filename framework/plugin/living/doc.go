// Package living tells whether the process that made a file still runs, for
// cleaning up after hosts that were killed.
//
// A process marks what it works on with a lock file (Mark); the kernel drops
// the lock when the process ends, however it ends. Anyone else asks with Dead.
// Unlike a process id, which is given again and means nothing in another
// container, a lock cannot be taken for another process's.
package living
