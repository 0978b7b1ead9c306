// Package ixgo runs cells on github.com/goplus/ixgo, which interprets the SSA form
// of Go programs.
//
// A cell becomes a Go package of its own, named main:
//
//  1. generate.go writes its source: the cell's declarations, then those of earlier
//     cells that depend on something that this cell declares anew, and one
//     function with the statements. Line directives keep the cell's positions.
//  2. check.go type-checks it. What earlier cells declared stands in the package's
//     scope; the statements' := are still local variables there, so that scopes,
//     and x := x + 1, mean what they mean in Go.
//  3. hoist.go turns the outermost local variables of the statements into package
//     variables, in the checker's result and not in the text. Each definition gets
//     a name of its own (xᐧ3 for the x of cell 3): SSA globals are told apart by name.
//  4. build.go builds the SSA of the cell and of those earlier cells that it uses,
//     and an interpreter over it; every variable's storage is handed on by address.
//  5. run.go calls the function, and stops it when it is interrupted.
//
// modules.go finds packages of other modules, which are interpreted from source;
// export.go writes a session as a program.
//
// pins.go makes a type of a cell have one reflect.Type in every later interpreter;
// internals.go is the only file that reaches into ixgo's unexported fields.
package ixgo
