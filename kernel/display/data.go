package display

import (
	"fmt"
	"image"
	"io"
	"net/http"
	"os"
	"strings"
)

// MIME types that notebooks show.
const (
	MIMETypeHTML       = "text/html"
	MIMETypeJavaScript = "application/javascript"
	MIMETypeJPEG       = "image/jpeg"
	MIMETypeJSON       = "application/json"
	MIMETypeLatex      = "text/latex"
	MIMETypeMarkdown   = "text/markdown"
	MIMETypePNG        = "image/png"
	MIMETypePDF        = "application/pdf"
	MIMETypeSVG        = "image/svg+xml"
	MIMETypeText       = "text/plain"
)

// MIMEMap holds a value for each MIME type: a string, []byte for pictures, or what
// encodes to JSON.
type MIMEMap = map[string]any

// Data is what a notebook shows: one value in several forms, of which it takes the
// richest that it knows.
type Data = struct {
	Data      MIMEMap
	Metadata  MIMEMap
	Transient MIMEMap
}

// MakeData makes Data of one form, and a plain text of it.
func MakeData(mimeType string, data any) Data {
	if mimeType == MIMETypeText {
		return Data{Data: MIMEMap{MIMETypeText: data}}
	}
	return MakeData3(mimeType, fmt.Sprint(data), data)
}

// MakeData3 makes Data of one form and its plain text.
func MakeData3(mimeType, plaintext string, data any) Data {
	return Data{Data: MIMEMap{MIMETypeText: plaintext, mimeType: data}}
}

// MIME makes Data of its forms.
func MIME(data, metadata MIMEMap) Data { return Data{Data: data, Metadata: metadata} }

// HTML shows HTML.
func HTML(html string) Data { return MakeData(MIMETypeHTML, html) }

// JavaScript runs JavaScript in the page, where the notebook allows it.
func JavaScript(javascript string) Data { return MakeData(MIMETypeJavaScript, javascript) }

// JSON shows a tree.
func JSON(json map[string]any) Data { return MakeData(MIMETypeJSON, json) }

// Latex shows a formula in a line of text.
func Latex(latex string) Data {
	return MakeData3(MIMETypeLatex, latex, "$"+strings.Trim(latex, "$")+"$")
}

// Math shows a formula on a line of its own.
func Math(latex string) Data {
	return MakeData3(MIMETypeLatex, latex, "$$"+strings.Trim(latex, "$")+"$$")
}

// Markdown shows Markdown.
func Markdown(markdown string) Data { return MakeData(MIMETypeMarkdown, markdown) }

// SVG shows a drawing.
func SVG(svg string) Data { return MakeData3(MIMETypeSVG, "an SVG drawing", svg) }

// JPEG shows a picture.
func JPEG(jpeg []byte) Data { return picture(MIMETypeJPEG, jpeg) }

// PNG shows a picture.
func PNG(png []byte) Data { return picture(MIMETypePNG, png) }

// Image shows a picture, as its value does by itself.
func Image(m image.Image) Data { return Of(m) }

// PDF shows a document.
func PDF(pdf []byte) Data { return picture(MIMETypePDF, pdf) }

func picture(mimeType string, raw []byte) Data {
	return MakeData3(mimeType, fmt.Sprintf("%s, %d bytes", mimeType, len(raw)), raw)
}

// File shows a file as the MIME type; "" finds the type from its bytes. It panics
// where the file cannot be read.
func File(mimeType, path string) Data {
	raw, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return Any(mimeType, raw)
}

// Auto is Any with a type found from the value.
func Auto(data any) Data { return Any("", data) }

// Any shows a value as the MIME type: one that renders itself, a text, bytes, or
// what an io.Reader or io.WriterTo gives. It panics on any other.
func Any(mimeType string, data any) Data {
	if rich, ok := Rich(data); ok {
		return rich
	}
	var raw []byte
	switch v := data.(type) {
	case string:
		if mimeType == "" {
			mimeType = MIMETypeText
		}
		return MakeData(mimeType, v)
	case []byte:
		raw = v
	case io.Reader:
		b, err := io.ReadAll(v)
		if err != nil {
			panic(err)
		}
		raw = b
	case io.WriterTo:
		var b strings.Builder
		if _, err := v.WriteTo(&b); err != nil {
			panic(err)
		}
		raw = []byte(b.String())
	default:
		panic(fmt.Errorf("display.Any cannot show a %T", data))
	}
	if mimeType == "" {
		mimeType, _, _ = strings.Cut(http.DetectContentType(raw), ";")
	}
	if strings.HasPrefix(mimeType, "text/") || mimeType == MIMETypeSVG {
		return MakeData(mimeType, string(raw))
	}
	return picture(mimeType, raw)
}
