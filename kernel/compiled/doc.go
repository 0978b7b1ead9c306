// Package compiled runs %%go cells: Go that the real toolchain compiles, for loops
// that must be fast, for cgo, and for what the interpreter refuses.
//
// Such a cell is a program of its own, in a process of its own. It sees nothing of
// other cells; imports, declarations and statements stand in any order, as elsewhere,
// or it is a whole program with func main. The module in whose folder the notebook
// runs gives its imports their versions.
//
// With "%%go -o FILE" the program is written to a file instead of being run: a method
// plugin, for one.
//
// Functions that it exports (with a capital letter) can be called in later cells as any
// function, if their parameters and results are plain data: numbers, texts, truth
// values, time.Time, time.Duration, and slices, arrays, maps and structs of these; the
// last result may be an error. The process stays for that. Arguments and results are
// copies: what the function changes in a slice that it was given, the caller does not
// see, and an empty slice or map may arrive as nil.
package compiled
