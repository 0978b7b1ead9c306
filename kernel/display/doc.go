// Package display shows values in a notebook: as HTML, Markdown, LaTeX, pictures,
// JSON. Cells have it without importing it.
//
//	display.HTML("<b>bold</b>")                 // the last value of a cell is shown
//	Display(display.Markdown("# A heading"))    // at once, anywhere
//	h := display.Show(display.HTML("0 %"))      // shown at once, and changed later:
//	h.Update(display.HTML("100 %"))
//	display.Clear(true)                         // the cell's output, when more comes
//
// Pictures (image.Image), plots (*plot.Plot of gonum.org/v1/plot) and tables (slices of
// structs and of maps, maps) show themselves.
//
// A type of one's own is shown as what its methods give: HTML() string, PNG() []byte
// and the other interfaces here. Names, signatures and meaning of these and of the
// functions that make Data are those of gophernotes, so that its notebooks run.
package display
