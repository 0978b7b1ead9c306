// Package bind makes packages of the framework known to the interpreter, so that
// cells may import them; what it lists is what a cell sees. A package is bound here
// if cells should call its compiled code: importing bind is enough.
//
// To bind a package: a file here that registers it, in the form of this one. Generic
// functions and types cannot be bound as values: give them as Source, which is
// interpreted. Deps names every package whose types the package's own mention: one that
// is not loaded first is another package to the checker.
//
// Packages of other modules are bound by generate.go.
package bind

import (
	"go/constant"
	"reflect"

	"github.com/goplus/ixgo"

	"github.com/tunelab/tunelab/kernel/display"
)

func init() {
	consts := map[string]ixgo.UntypedConst{}
	for name, v := range map[string]string{
		"MIMETypeHTML": display.MIMETypeHTML, "MIMETypeJavaScript": display.MIMETypeJavaScript, "MIMETypeJPEG": display.MIMETypeJPEG,
		"MIMETypeJSON": display.MIMETypeJSON, "MIMETypeLatex": display.MIMETypeLatex, "MIMETypeMarkdown": display.MIMETypeMarkdown,
		"MIMETypePNG": display.MIMETypePNG, "MIMETypePDF": display.MIMETypePDF, "MIMETypeSVG": display.MIMETypeSVG, "MIMETypeText": display.MIMETypeText,
	} {
		consts[name] = ixgo.UntypedConst{Typ: "untyped string", Value: constant.MakeString(v)}
	}
	ixgo.RegisterPackage(&ixgo.Package{
		Name: "display", Path: "github.com/tunelab/tunelab/kernel/display",
		Deps:       map[string]string{"image": "image", "io": "io", "gonum.org/v1/plot/vg": "vg"},
		Interfaces: map[string]reflect.Type{},
		NamedTypes: map[string]reflect.Type{"Handle": reflect.TypeFor[display.Handle]()},
		AliasTypes: map[string]reflect.Type{
			"Data": reflect.TypeFor[display.Data](), "MIMEMap": reflect.TypeFor[display.MIMEMap](),
			"Renderer": reflect.TypeFor[display.Renderer](), "SimpleRenderer": reflect.TypeFor[display.SimpleRenderer](),
			"HTMLer": reflect.TypeFor[display.HTMLer](), "JavaScripter": reflect.TypeFor[display.JavaScripter](),
			"JPEGer": reflect.TypeFor[display.JPEGer](), "JSONer": reflect.TypeFor[display.JSONer](),
			"Latexer": reflect.TypeFor[display.Latexer](), "Markdowner": reflect.TypeFor[display.Markdowner](),
			"PNGer": reflect.TypeFor[display.PNGer](), "PDFer": reflect.TypeFor[display.PDFer](), "SVGer": reflect.TypeFor[display.SVGer](),
			"Plotter": reflect.TypeFor[display.Plotter](),
		},
		Vars: map[string]reflect.Value{},
		Funcs: map[string]reflect.Value{
			"Any": reflect.ValueOf(display.Any), "Auto": reflect.ValueOf(display.Auto), "File": reflect.ValueOf(display.File),
			"MakeData": reflect.ValueOf(display.MakeData), "MakeData3": reflect.ValueOf(display.MakeData3), "MIME": reflect.ValueOf(display.MIME),
			"HTML": reflect.ValueOf(display.HTML), "JavaScript": reflect.ValueOf(display.JavaScript), "JSON": reflect.ValueOf(display.JSON),
			"Latex": reflect.ValueOf(display.Latex), "Math": reflect.ValueOf(display.Math), "Markdown": reflect.ValueOf(display.Markdown),
			"SVG": reflect.ValueOf(display.SVG), "JPEG": reflect.ValueOf(display.JPEG), "PNG": reflect.ValueOf(display.PNG), "PDF": reflect.ValueOf(display.PDF), "Image": reflect.ValueOf(display.Image),
			"Show": reflect.ValueOf(display.Show), "ShowAs": reflect.ValueOf(display.ShowAs), "Clear": reflect.ValueOf(display.Clear),
			"Of": reflect.ValueOf(display.Of), "Rich": reflect.ValueOf(display.Rich), "Text": reflect.ValueOf(display.Text),
		},
		TypedConsts: map[string]ixgo.TypedConst{}, UntypedConsts: consts,
	})
}
