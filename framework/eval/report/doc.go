// Package report shows a comparison: as a terminal table, Markdown, CSV and
// JSON, as figures (SVG and PNG), and as one HTML file that needs nothing
// beside it. Write leaves all of them in a folder.
//
// Nothing here reads a clock or draws a random number: equal inputs give
// equal bytes.
package report
