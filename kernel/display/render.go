package display

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"maps"
	"reflect"
	"strings"

	"gonum.org/v1/plot/vg"
)

// A value that has one of these methods is shown as what it gives. They are aliases:
// a library implements them without importing this package.
type (
	Renderer       = interface{ Render() Data }
	SimpleRenderer = interface{ SimpleRender() MIMEMap }
	HTMLer         = interface{ HTML() string }
	JavaScripter   = interface{ JavaScript() string }
	JPEGer         = interface{ JPEG() []byte }
	JSONer         = interface{ JSON() map[string]any }
	Latexer        = interface{ Latex() string }
	Markdowner     = interface{ Markdown() string }
	PNGer          = interface{ PNG() []byte }
	PDFer          = interface{ PDF() []byte }
	SVGer          = interface{ SVG() string }
)

// Rich gives a value's forms beside plain text, if it has any.
func Rich(v any) (d Data, ok bool) {
	if d, ok := v.(Data); ok {
		return d, true
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
		return Data{}, false
	}
	forms := MIMEMap{}
	if r, ok := v.(Renderer); ok {
		d = r.Render()
		maps.Copy(forms, d.Data)
	}
	if r, ok := v.(SimpleRenderer); ok {
		maps.Copy(forms, r.SimpleRender())
	}
	if r, ok := v.(HTMLer); ok {
		forms[MIMETypeHTML] = r.HTML()
	}
	if r, ok := v.(JavaScripter); ok {
		forms[MIMETypeJavaScript] = r.JavaScript()
	}
	if r, ok := v.(JPEGer); ok {
		forms[MIMETypeJPEG] = r.JPEG()
	}
	if r, ok := v.(JSONer); ok {
		forms[MIMETypeJSON] = r.JSON()
	}
	if r, ok := v.(Latexer); ok {
		forms[MIMETypeLatex] = r.Latex()
	}
	if r, ok := v.(Markdowner); ok {
		forms[MIMETypeMarkdown] = r.Markdown()
	}
	if r, ok := v.(PNGer); ok {
		forms[MIMETypePNG] = r.PNG()
	}
	if r, ok := v.(PDFer); ok {
		forms[MIMETypePDF] = r.PDF()
	}
	if r, ok := v.(SVGer); ok {
		forms[MIMETypeSVG] = r.SVG()
	}
	if m, ok := v.(image.Image); ok {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err == nil {
			forms[MIMETypePNG] = b.Bytes()
			size := MIMEMap{"width": m.Bounds().Dx(), "height": m.Bounds().Dy()}
			d.Metadata = MIMEMap{MIMETypePNG: size}
			forms[MIMETypeText] = fmt.Sprintf("%T of %d x %d", v, m.Bounds().Dx(), m.Bounds().Dy())
		}
	}
	if p, ok := v.(Plotter); ok {
		png, err := drawn(p)
		if err != nil {
			forms[MIMETypeText] = err.Error()
		} else {
			forms[MIMETypePNG] = png
			forms[MIMETypeText] = fmt.Sprintf("%T of %.0f x %.0f cm", v, PlotWidth/vg.Centimeter, PlotHeight/vg.Centimeter)
		}
	}
	if len(forms) == 0 {
		rows, ok := table(v)
		if !ok {
			return Data{}, false
		}
		forms[MIMETypeHTML] = rows
	}
	if forms[MIMETypeText] == nil {
		forms[MIMETypeText] = Text(v)
	}
	d.Data = forms
	return d, true
}

// Of gives what is shown of a value.
func Of(v any) Data {
	if d, ok := Rich(v); ok {
		return d
	}
	return Data{Data: MIMEMap{MIMETypeText: Text(v)}}
}

// longest is how much of a value's plain text is shown, in bytes.
const longest = 100_000

// Text is a value as a person reads it: structs with the names of their fields.
func Text(v any) string {
	var s string
	switch x := v.(type) {
	case string:
		s = x
	case error, fmt.Stringer:
		s = fmt.Sprint(x)
	default:
		if reflect.ValueOf(v).Kind() == reflect.Func {
			s = fmt.Sprintf("%T", v)
			break
		}
		s = fmt.Sprintf("%+v", v)
	}
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + fmt.Sprintf("… (%d bytes more)", len(s)-longest)
	}
	return s
}
