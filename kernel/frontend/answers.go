package frontend

import (
	"log"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/tunelab/tunelab/kernel/cell"
	"github.com/tunelab/tunelab/kernel/history"
	"github.com/tunelab/tunelab/kernel/protocol"
	"github.com/tunelab/tunelab/kernel/wire"
)

// answers are the requests that are answered at once.
func (k *Kernel) answers() map[string]func(*request) {
	return map[string]func(*request){
		"kernel_info_request": k.info,
		"complete_request":    k.complete,
		"inspect_request":     k.inspect,
		"is_complete_request": k.isComplete,
		"history_request":     k.past,
		"comm_info_request":   func(r *request) { k.reply(r, "comm_info_reply", content{"comms": content{}}) },
		"connect_request":     func(r *request) { k.reply(r, "connect_reply", content{}) },
		"comm_open":           k.commOpen,
	}
}

func (k *Kernel) send(r *request, kind string, c content) {
	m := &protocol.Message{Peers: r.Peers, Header: protocol.Header{Type: kind}, Parent: r.Raw, Content: c}
	frames, err := k.session.Encode(m)
	if err == nil {
		err = r.from.Send(frames)
	}
	if err != nil {
		log.Printf("tunelab-kernel: %v", err)
	}
}

func (k *Kernel) info(r *request) {
	version := strings.TrimPrefix(runtime.Version(), "go")
	k.reply(r, "kernel_info_reply", content{
		"protocol_version":       protocol.Version,
		"implementation":         "tunelab",
		"implementation_version": "1",
		"banner":                 "tunelab: Go " + version + " in a notebook. %help lists what cells can do.",
		"debugger":               false,
		"supported_features":     []string{},
		"help_links":             []content{{"text": "Go", "url": "https://go.dev/doc/"}, {"text": "Go standard library", "url": "https://pkg.go.dev/std"}},
		"language_info": content{
			"name": "go", "version": version, "mimetype": "text/x-go", "file_extension": ".go",
			"pygments_lexer": "go", "codemirror_mode": "go", "nbconvert_exporter": "script",
		},
	})
}

type place struct {
	Code      string
	CursorPos *int `json:"cursor_pos"` // in code points; absent: the end
}

// offset is the cursor in bytes.
func (p *place) offset() int {
	if p.CursorPos == nil || *p.CursorPos < 0 {
		return len(p.Code)
	}
	n := *p.CursorPos
	for i := range p.Code {
		if n == 0 {
			return i
		}
		n--
	}
	return len(p.Code)
}

func (k *Kernel) complete(r *request) {
	var p place
	if err := r.Read(&p); err != nil {
		log.Printf("tunelab-kernel: %v", err)
	}
	offset := p.offset()
	matches, kinds := []string{}, []content{}
	start, end := offset, offset
	if c := k.worker.ask(wire.Request{Do: wire.Complete, Code: p.Code, Offset: offset}, nil).Completion; c != nil && len(c.Matches) > 0 {
		start, end = c.Start, c.End
		for _, m := range c.Matches {
			matches = append(matches, m.Text)
			kinds = append(kinds, content{"text": m.Text, "type": m.Kind, "start": utf8.RuneCountInString(p.Code[:start]), "end": utf8.RuneCountInString(p.Code[:end])})
		}
	}
	k.reply(r, "complete_reply", content{
		"matches": matches, "cursor_start": utf8.RuneCountInString(p.Code[:start]), "cursor_end": utf8.RuneCountInString(p.Code[:end]),
		"metadata": content{"_jupyter_types_experimental": kinds},
	})
}

func (k *Kernel) inspect(r *request) {
	var p place
	if err := r.Read(&p); err != nil {
		log.Printf("tunelab-kernel: %v", err)
	}
	e := k.worker.ask(wire.Request{Do: wire.Inspect, Code: p.Code, Offset: p.offset()}, nil)
	data := content{}
	if e.Found {
		data["text/plain"] = e.Text
	}
	k.reply(r, "inspect_reply", content{"found": e.Found, "data": data, "metadata": content{}})
}

func (k *Kernel) isComplete(r *request) {
	var p place
	if err := r.Read(&p); err != nil {
		log.Printf("tunelab-kernel: %v", err)
	}
	status, indent := cell.Check(p.Code)
	c := content{"status": string(status)}
	if status == cell.Incomplete {
		c["indent"] = indent
	}
	k.reply(r, "is_complete_reply", c)
}

func (k *Kernel) past(r *request) {
	var q history.Query
	if err := r.Read(&q); err != nil {
		log.Printf("tunelab-kernel: %v", err)
	}
	rows := []any{}
	for _, e := range k.history.Find(q) {
		if q.Output {
			var out any
			if e.Output != "" {
				out = e.Output
			}
			rows = append(rows, []any{e.Session, e.Line, []any{e.Code, out}})
		} else {
			rows = append(rows, []any{e.Session, e.Line, e.Code})
		}
	}
	k.reply(r, "history_reply", content{"history": rows})
}

// commOpen closes a comm at once: no target is known.
func (k *Kernel) commOpen(r *request) {
	var c struct {
		ID string `json:"comm_id"`
	}
	if err := r.Read(&c); err == nil {
		k.publish(r, "comm_close", content{"comm_id": c.ID, "data": content{}})
	}
}
