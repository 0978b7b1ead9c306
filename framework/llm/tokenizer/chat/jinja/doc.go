// Package jinja renders Jinja templates as Python does in the environment that
// transformers (5.23, chat_template_utils.py) gives to chat templates: Jinja
// 3.1's sandbox with trim_blocks and lstrip_blocks, break and continue,
// {% generation %}, a tojson that keeps the order of keys and escapes no HTML,
// raise_exception, strftime_now and namespace.
//
// The rules followed are Jinja's grammar (lexer, parser), its static scopes
// (idtracking: see scope.go), and Python's values: ordered dicts, integers
// without bounds, repr and str of numbers and strings, code points as the unit
// of lengths and slices, generators that are read once. Templates come from
// strangers: Limits bounds steps, memory and recursion.
//
// Not supported, and refused by name: block, extends, include, import, from
// and autoescape; the filters filesizeformat, groupby, pprint, random,
// striptags, urlencode, urlize, wordwrap and xmlattr; the globals cycler,
// joiner and lipsum; encode, maketrans and translate of strings, methods of
// numbers and attributes of ranges; \N{...} in a string; complex numbers;
// printing what Python prints with an address. Case and printability follow
// the Unicode version of Go's tables. Jinja computes constants while it
// compiles, and a mistake in one (a slice of a number, a list as a key) may
// show earlier or not at all there; here it shows when it is reached.
package jinja
