package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tunelab/tunelab/"

// rooms says for each folder what it, and the folders under it that have no
// entry of their own, may import of this module beside itself. A name stands
// for its subfolders too. Test files may import more.
var rooms = map[string][]string{
	"framework/spec":     nil,
	"framework/compute":  nil,
	"framework/base/gen": nil,
	"framework/arch":     nil,
	"tracking":           nil,

	"framework/plugin/proto":   nil,
	"framework/plugin/wire":    nil,
	"framework/plugin/living":  nil,
	"framework/plugin/sdk":     {"framework/spec", "framework/plugin/proto", "framework/plugin/wire"},
	"framework/plugin/trust":   {"framework/plugin/wire"},
	"framework/plugin/host":    {"framework/spec", "framework/plugin/proto", "framework/plugin/wire", "framework/plugin/living", "framework/plugin/trust"},
	"framework/plugin/service": {"framework/compute", "framework/llm", "framework/plugin/host"},
	// What is tried is a real plugin, on a model made by the SDK's harness.
	"framework/plugin/conformance":         {"framework/spec", "framework/plugin/host", "framework/plugin/service", "framework/plugin/proto", "framework/plugin/wire", "framework/llm", "framework/train", "framework/tune"},
	"framework/plugin/conformance/faulty":  {"framework/spec", "framework/plugin/sdk", "framework/plugin/proto", "framework/plugin/wire", "framework/llm", "framework/train", "framework/tune"},
	"framework/plugin/plugintest":          {"framework/spec", "framework/plugin/sdk", "framework/plugin/conformance", "framework/llm", "framework/train", "framework/tune"},
	"framework/plugin/scaffold":            nil,
	"framework/plugin/testplugins":         nil,
	"framework/plugin/testplugins/counter": {"framework/spec", "framework/plugin/sdk", "framework/plugin/proto", "framework/plugin/wire"},

	"framework/llm":   {"framework/compute", "framework/train/autograd"},
	"framework/train": {"framework/compute", "framework/llm"},
	"framework/tune":  {"framework/spec", "framework/compute", "framework/llm", "framework/train", "framework/plugin/sdk"},
	"framework/data":  {"framework/spec"},
	"framework/base":  {"framework/spec", "framework/compute", "framework/llm", "framework/train", "framework/data", "framework/base/gen"},

	"framework/bench": {"framework/spec", "framework/compute", "framework/llm", "framework/train"},
	"framework/eval":  {"framework/spec", "tracking"},
	"framework/run": {"framework/spec", "framework/data", "framework/eval", "tracking", "framework/plugin/host", "framework/plugin/living", "framework/plugin/proto",
		"framework/compute", "framework/llm/checkpoint", "framework/llm/tokenizer/chat"}, // the machine's CPU features, the hashes of the model's folder and chat template
	"framework/lab": {"framework/spec", "framework/data", "framework/eval", "tracking", "framework/run", "framework/plugin/host", "framework/plugin/service", "framework/plugin/trust", "framework/plugin/wire",
		"framework/compute", "framework/llm", "framework/train", "framework/tune", "framework/base"},
	"framework/cmd/tunelab": {"framework/plugin/conformance", "framework/plugin/scaffold", "framework/lab", "framework/bench", "framework/run", "framework/spec", "framework/llm/weights", "tracking"}, // besides the lab, the types that it speaks in

	// A method of ours uses nothing that somebody else's could not.
	"plugins/*": {"framework/spec", "framework/plugin/sdk", "framework/tune", "framework/train", "framework/llm", "framework/compute"},
}

// under tells whether folder is dir or lies in it.
func under(folder, dir string) bool { return folder == dir || strings.HasPrefix(folder, dir+"/") }

// roomOf gives the room of a package's folder, the innermost entry of the
// table, and its own folder.
func roomOf(folder string) (room, own string, ok bool) {
	if parts := strings.Split(folder, "/"); parts[0] == "plugins" && len(parts) > 1 {
		return "plugins/*", "plugins/" + parts[1], true
	}
	for r := range rooms {
		if under(folder, r) && len(r) > len(room) {
			room = r
		}
	}
	return room, room, room != ""
}

// may tells whether the package in folder may import the one in target.
func may(folder, target string) bool {
	room, own, ok := roomOf(folder)
	if !ok {
		return false
	}
	if _, theirs, ok := roomOf(target); ok && theirs == own {
		return true
	}
	return slices.ContainsFunc(rooms[room], func(r string) bool { return under(target, r) })
}

func TestImportsKeepToTheirRooms(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	checked := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if _, e := os.Stat(filepath.Join(path, "go.mod")); path != root && (name == "testdata" || strings.HasPrefix(name, ".") || e == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(rel))
		room, _, ok := roomOf(folder)
		if !ok {
			t.Errorf("%s is in no room: give its folder one in the table of framework/arch", rel)
			return nil
		}
		seen[room] = true
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if target, ours := strings.CutPrefix(p, module); ours {
				checked++
				if !may(folder, target) {
					t.Errorf("%s imports %s: the room %s may import %v", rel, target, room, rooms[room])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Sorted(maps.Keys(rooms)) {
		if !seen[r] {
			t.Errorf("the room %s has no Go file: take it out of the table", r)
		}
	}
	if checked < 100 {
		t.Errorf("only %d imports were found", checked)
	}
}

func TestTheTableForbids(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"plugins/lora", "framework/run"},
		{"plugins/lora", "framework/lab"},
		{"plugins/lora", "framework/plugin/host"},
		{"plugins/lora", "framework/eval/score"},
		{"plugins/lora", "framework/data"},
		{"plugins/lora", "tracking"},
		{"plugins/lora", "plugins/qlora"},
		{"framework/tune", "framework/data"},
		{"framework/compute/cpu", "framework/train/autograd"},
		{"framework/llm/model", "framework/train/optim"},
		{"framework/plugin/sdk", "framework/plugin/host"},
		{"framework/spec", "tracking"},
		{"tracking/sqlite", "framework/spec"},
		{"framework/run", "framework/llm/model"},
		{"framework/lab", "framework/cmd/tunelab"},
		{"framework/somewhere", "framework/spec"},
	} {
		if may(c.from, c.to) {
			t.Errorf("%s may import %s", c.from, c.to)
		}
	}
	for _, c := range []struct{ from, to string }{
		{"plugins/lora", "framework/plugin/sdk/prompt"},
		{"framework/compute/cpu", "framework/compute"},
		{"tracking/sqlite", "tracking"},
		{"framework/base", "framework/base/gen"},
	} {
		if !may(c.from, c.to) {
			t.Errorf("%s may not import %s", c.from, c.to)
		}
	}
}
