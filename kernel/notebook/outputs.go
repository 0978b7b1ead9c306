package notebook

import (
	"encoding/json"

	"github.com/tunelab/tunelab/kernel/client"
)

// outputs are those of a cell.
type outputs struct {
	list  []map[string]any
	shown map[string][]map[string]any
	clear bool // before the next one
}

func (o *outputs) add(out client.Output) {
	var c map[string]any
	if json.Unmarshal(out.Content, &c) != nil {
		return
	}
	transient, _ := c["transient"].(map[string]any)
	id, _ := transient["display_id"].(string)
	switch out.Type {
	case "clear_output":
		if o.clear, _ = c["wait"].(bool); !o.clear {
			o.list = nil
		}
		return
	case "update_display_data":
		for _, d := range o.shown[id] {
			d["data"], d["metadata"] = c["data"], c["metadata"]
		}
		return
	}
	if o.clear {
		o.list, o.clear = nil, false
	}
	switch out.Type {
	case "stream":
		if n := len(o.list); n > 0 && o.list[n-1]["output_type"] == "stream" && o.list[n-1]["name"] == c["name"] {
			o.list[n-1]["text"] = o.list[n-1]["text"].(string) + c["text"].(string)
			return
		}
		o.list = append(o.list, map[string]any{"output_type": "stream", "name": c["name"], "text": c["text"]})
	case "execute_result", "display_data":
		d := map[string]any{"output_type": out.Type, "data": c["data"], "metadata": c["metadata"]}
		if out.Type == "execute_result" {
			d["execution_count"] = c["execution_count"]
		}
		if id != "" {
			o.shown[id] = append(o.shown[id], d)
		}
		o.list = append(o.list, d)
	case "error":
		o.list = append(o.list, map[string]any{"output_type": "error", "ename": c["ename"], "evalue": c["evalue"], "traceback": c["traceback"]})
	}
}

// lines gives the list for the file. Data stays shared, so that a later cell's update
// of a display reaches it.
func (o *outputs) lines() []any {
	list := []any{}
	for _, d := range o.list {
		if s, ok := d["text"].(string); ok {
			d["text"] = split(s)
		}
		list = append(list, d)
	}
	return list
}
