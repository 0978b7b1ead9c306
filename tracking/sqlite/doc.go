// Package sqlite keeps the record of runs in one SQLite file: a
// tracking.Store for one machine.
//
// # Durability
//
// The file is in write-ahead-log mode with synchronous=FULL. SQLite then
// syncs the log to the disk at every commit (https://www.sqlite.org/wal.html,
// https://www.sqlite.org/pragma.html#pragma_synchronous), and a method returns
// only after its commit:
//
//   - kill -9 of this process, or of any other that has the file open, loses
//     nothing that was acknowledged. For this alone synchronous=NORMAL would
//     do: the log is written to the page cache before the commit returns, and
//     the cache outlives the process.
//   - power loss or a crash of the operating system loses nothing either, as
//     far as the disk keeps what it has synced. NORMAL would not do: it syncs
//     at checkpoints only, and the last commits could roll back. On macOS
//     fullfsync is on, because a plain fsync there stops at the drive's cache.
//
// The price is one sync for each commit. Group commit shares it: one goroutine
// owns the one writing connection, and all the requests that arrived while the
// last commit was under way go into the next one, each in a savepoint of its
// own so that one that fails takes nothing else with it. Nobody is answered
// before the commit.
//
// # Many processes
//
// Writers of several processes take turns (BEGIN IMMEDIATE and a busy
// timeout); readers, in a pool of query-only connections, never wait for them.
// Migrations are applied under the write lock, and the version is read again
// after the lock is held, so that processes that start together on a fresh
// file apply each migration once. A write-ahead log needs shared memory, which
// a network file system does not give: Open refuses one.
//
// # Numbers
//
// SQLite has no NaN (it stores NULL) and loses the sign of -0.0. So the truth
// is the bits column, the 64 bits of the float as an integer; the value column
// beside it is for people who query the file.
//
// # Adding a migration
//
// Add migrations/NNNN_what.sql with the next number. Never change one that was
// released. A file with a higher version than this program knows is refused.
package sqlite
