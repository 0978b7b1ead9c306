// Package kernel holds nothing: this page follows one cell through the Jupyter
// kernel for Go, and says what its packages promise each other.
//
// # Two processes
//
// Jupyter starts tunelab-kernel with a connection file: the front-end. It starts
// itself again as a worker, in a process group of its own, in which cells run. What
// kills a process (a stack overflow, a concurrent map write, os.Exit in compiled code,
// kill -9) kills the worker alone: the front-end answers the cell with an error that
// says what is lost, and starts another worker. When the front-end dies, the worker's
// pipe of requests ends and, on Linux, its parent-death signal is sent.
//
// # One cell
//
//  1. protocol.Router receives the frames of an execute_request, protocol.Session
//     checks the signature, frontend.Kernel.onShell puts it into the queue.
//     Everything but cells is answered at once, also while a cell runs.
//  2. frontend.Kernel.execute publishes busy and execute_input, writes the history and
//     asks the worker: a wire.Request as a line of JSON on an inherited pipe.
//  3. worker.Worker.execute calls engine.Engine.Run with a context that an interrupt
//     cancels.
//  4. ixgo.Engine takes the cell apart (cell.Split), checks it with go/types,
//     hoists its variables, builds SSA and an interpreter, and runs it: the page of
//     package ixgo goes through that.
//  5. What the code prints goes to file descriptors 1 and 2, which the front-end reads
//     (frontend.outputs): bounded, published every 20 ms. What it shows goes through
//     engine.Host to the worker, is rendered by package display, and comes to the
//     front-end as a wire.Event on the other pipe. Before each event the worker writes
//     a mark to both descriptors, so that text and values keep their order.
//  6. A wire.Done event ends the request: the front-end publishes the error, if there
//     is one, replies, and publishes idle.
//
// # Contracts
//
//   - engine.Engine is all that the worker knows of how Go is run, and engine.Host all
//     that an engine knows of the notebook. An error of a cell is an *engine.Error with
//     a kind, a position in the cell and the user's frames.
//   - A cell that does not compile changes nothing. One that fails as it runs keeps what
//     it declared.
//   - What an engine cannot run as Go would, it refuses (engine.Refused); it never
//     runs it differently.
//   - wire is the only thing that the two processes share. A worker answers every
//     request but Interrupt and Reply with one Done event, or dies.
//   - An interrupt stops a cell's own code within milliseconds; a call that does not
//     return is left behind after ixgo.Grace; a worker that does not answer is killed
//     after 5 s.
//   - display has no dependency on the kernel: libraries and the framework use it to
//     make Data, and display.SetSink is called by the worker alone.
//   - A package of the framework that cells import is bound in package bind: lab, for
//     comparisons. Packages of other modules are interpreted from source.
//   - Compiled code that a cell calls may take an interrupt itself (package interrupt),
//     to end with what it has: lab checkpoints its run. The next interrupt stops the cell.
//   - A line that begins with % is a command: a new one is an entry of the map in
//     package command, which sees the session through command.Session.
//
// # What cells cannot do
//
// Refused, with a message that says so:
//
//   - import "C", packages with C or assembler, and the few of the standard library that
//     the interpreter does not have: %%go cells have them.
//   - %export of a session in which a name has had several types, or with compiled cells.
//   - what gophernotes took and Go does not have: gomacro's commands (:env), macros
//     (~quote{...}) and generics (F#[T]).
//   - defer in the body of a range over a function: the interpreter would drop it.
//   - func init: it would never be called.
//   - a variable whose type cannot be the same in another cell.
//   - a name that a cell uses before it defines it, while a function of the cell uses it.
//
// Different from a program, and meant so:
//
//   - A name that is defined again is a new variable, function or type. What earlier
//     cells declared with it is compiled again; where it no longer compiles it is
//     forgotten, with a note. Goroutines and closures that exist keep the old one.
//   - Variables of a type that gets a method, or is declared again without another
//     layout, take the new type at their old address. A value in an interface keeps the
//     old type.
//   - Packages of the notebook's module are interpreted, and keep their variables over
//     cells; a version that changes after an import counts after a restart.
//   - A %%go cell is a process of its own: arguments and results of what it exports are
//     copies, and must be plain data (package compiled).
//   - Variables get their values where they stand, also var declarations: not in the
//     order of what they depend on, as those of a package do.
//   - A definition that a cell does not come to, because it panics or is interrupted
//     before, leaves the old variable of that name.
//   - os.Exit, log.Fatal and a panic in a goroutine end no session. They do when
//     compiled code calls or raises them: then the worker dies.
//   - Deferred calls run when a cell is interrupted; recover in them sees the interrupt.
//   - The place of a panic in a goroutine has a line, but no column.
//   - An error that a call statement returns is noted, once for each statement.
//
// # Notebooks of gophernotes
//
// They run unchanged, but for what is refused above: package display with gophernotes'
// names (also by its path "display"), Display, rendering by method, $ and % lines.
// %go111module does nothing. testdata/gophernotes holds such notebooks.
//
// # Tests
//
// testdata/snippets holds notebooks as text, each cell with what it shows. Package
// ixgo plays them on the engine in its own process in seconds; testdata/play.py
// plays the same files through jupyter_client, testdata/test_kernel.py is the
// sample class of jupyter_kernel_test, testdata/test_talk.py tries what is said beside
// cells, and testdata/test_robust.py breaks the worker in every way (make kernel-test).
// make bench-kernel measures what docs/kernel.md reports.
package kernel
