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

// table says for each folder what it, and the folders under it that have no row of
// their own, may import of this module beside itself. It is the table of rooms in
// ARCHITECTURE.md.
type table map[string][]string

// readTable takes the rows of the first table whose cells hold a folder, what is
// in it, and the names of what it may import, or "nothing".
func readTable(t *testing.T) table {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	rooms := table{}
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| `") || len(cells) != 3 {
			continue
		}
		folder := strings.Trim(cells[0], " `")
		if _, twice := rooms[folder]; twice {
			t.Fatalf("ARCHITECTURE.md has two rows for %s", folder)
		}
		rooms[folder] = nil
		for name := range strings.SplitSeq(strings.TrimSpace(cells[2]), ", ") {
			if name == "nothing" {
				continue
			}
			if !under(name, "tracking") && !under(name, "kernel") {
				name = "framework/" + name
			}
			if info, err := os.Stat(filepath.Join("..", "..", name)); err != nil || !info.IsDir() {
				t.Errorf("ARCHITECTURE.md lets %s import %q, which is no folder", folder, name)
			}
			rooms[folder] = append(rooms[folder], name)
		}
	}
	if len(rooms) == 0 {
		t.Fatal("ARCHITECTURE.md has no table of rooms")
	}
	return rooms
}

// under tells whether folder is dir or lies in it.
func under(folder, dir string) bool { return folder == dir || strings.HasPrefix(folder, dir+"/") }

// roomOf gives the room of a package's folder, the innermost entry of the
// table, and its own folder.
func (rooms table) roomOf(folder string) (room, own string, ok bool) {
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
func (rooms table) may(folder, target string) bool {
	room, own, ok := rooms.roomOf(folder)
	if !ok {
		return false
	}
	if _, theirs, ok := rooms.roomOf(target); ok && theirs == own {
		return true
	}
	return slices.ContainsFunc(rooms[room], func(r string) bool { return under(target, r) })
}

func TestImportsKeepToTheirRooms(t *testing.T) {
	rooms := readTable(t)
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
		room, _, ok := rooms.roomOf(folder)
		if !ok {
			t.Errorf("%s is in no room: give its folder a row in the table of ARCHITECTURE.md", rel)
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
				if !rooms.may(folder, target) {
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
	rooms := readTable(t)
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
		{"framework/cmd/tunelab", "kernel/ixgo"},
		{"kernel/frontend", "kernel/ixgo"},
		{"kernel/worker", "kernel/ixgo"},
		{"kernel/display", "kernel/engine"},
	} {
		if rooms.may(c.from, c.to) {
			t.Errorf("%s may import %s", c.from, c.to)
		}
	}
	for _, c := range []struct{ from, to string }{
		{"plugins/lora", "framework/plugin/sdk/prompt"},
		{"framework/compute/cpu", "framework/compute"},
		{"tracking/sqlite", "tracking"},
		{"framework/base", "framework/base/gen"},
	} {
		if !rooms.may(c.from, c.to) {
			t.Errorf("%s may not import %s", c.from, c.to)
		}
	}
}
