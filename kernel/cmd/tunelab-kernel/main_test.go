package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/kernel/client"
	"github.com/tunelab/tunelab/kernel/install"
	"github.com/tunelab/tunelab/kernel/notebook"
)

// TestMain lets the test's own program be the kernel: it starts itself as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == "worker" || connection(os.Args[1:])) {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func self(t *testing.T) string {
	t.Helper()
	p, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestSelfTest(t *testing.T) {
	var out strings.Builder
	if err := install.SelfTest(deadline(t), self(t), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}

// run runs a cell and gives its reply and everything that it showed.
func run(t *testing.T, c *client.Client, code string) (client.Reply, string) {
	t.Helper()
	var b strings.Builder
	r, err := c.Execute(deadline(t), code, func(o client.Output) { b.Write(o.Content) })
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return r, b.String()
}

func TestAWorkerThatDiesIsReplaced(t *testing.T) {
	c, err := client.Start(deadline(t), []string{self(t)}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	run(t, c, "x := 1")
	r, shown := run(t, c, "fmt.Println(\"printed before\")\nsyscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}")
	if r.Name != "worker ended" || !strings.Contains(r.Value, "killed") || !strings.Contains(r.Value, "are lost") || !strings.Contains(shown, "printed before") {
		t.Errorf("%+v %s", r, shown)
	}
	if r, shown := run(t, c, "1+1"); r.Status != "ok" || !strings.Contains(shown, `"2"`) {
		t.Errorf("after it: %+v %s", r, shown)
	}
	if r, _ := run(t, c, "x"); !strings.Contains(r.Value, "undefined: x") {
		t.Errorf("x after it: %+v", r)
	}
}

const example = `{"cells":[
{"cell_type":"markdown","id":"a","metadata":{},"source":["# Title"]},
{"cell_type":"code","id":"b","metadata":{"kept":1.50},"source":["h := display.Show(display.HTML(\"0\"))\n","fmt.Println(\"one\")\n","fmt.Println(\"two\")"],"outputs":[{"old":true}],"execution_count":null},
{"cell_type":"code","id":"c","metadata":{},"source":"h.Update(display.HTML(\"100\"))\n6*7","outputs":[],"execution_count":null},
{"cell_type":"code","id":"d","metadata":{"tags":["raises-exception"]},"source":"panic(1)","outputs":[],"execution_count":null},
{"cell_type":"code","id":"e","metadata":{},"source":"undefined_name","outputs":[],"execution_count":null},
{"cell_type":"code","id":"f","metadata":{},"source":"never","outputs":[],"execution_count":null}
],"metadata":{"kernelspec":{"name":"gophernotes"}},"nbformat":4,"nbformat_minor":5}`

func TestNotebook(t *testing.T) {
	file := filepath.Join(t.TempDir(), "n.ipynb")
	if err := os.WriteFile(file, []byte(example), 0o644); err != nil {
		t.Fatal(err)
	}
	n, err := notebook.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Start(deadline(t), []string{self(t)}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var failed *notebook.CellError
	if err := n.Run(deadline(t), c, func(int, int) {}); !errors.As(err, &failed) || failed.Cell != 5 || !strings.Contains(failed.Value, "undefined: undefined_name") {
		t.Errorf("it ends with %v", err)
	}
	if err := n.Write(file); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Cells []struct {
			Metadata map[string]json.RawMessage
			Outputs  []struct {
				Type string `json:"output_type"`
				Text []string
				Data map[string]string
				Name string `json:"ename"`
			}
			Count int `json:"execution_count"`
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	b, d := got.Cells[1], got.Cells[2]
	if string(b.Metadata["kept"]) != "1.50" || b.Count != 1 || len(b.Outputs) != 2 || b.Outputs[0].Data["text/html"] != "100" || strings.Join(b.Outputs[1].Text, "|") != "one\n|two\n" {
		t.Errorf("cell 2: %+v", b)
	}
	if len(d.Outputs) != 1 || d.Outputs[0].Type != "execute_result" || d.Outputs[0].Data["text/plain"] != "42" {
		t.Errorf("cell 3: %+v", d)
	}
	if got.Cells[3].Outputs[0].Name != "panic" || len(got.Cells[5].Outputs) != 0 {
		t.Errorf("cells 4 and 6: %+v %+v", got.Cells[3], got.Cells[5])
	}
}

func TestFilesThatAreNoNotebooks(t *testing.T) {
	for text, want := range map[string]string{"{": "not a notebook", `{"nbformat":3}`: "nbformat is 3", `{"nbformat":4,"cells":[1]}`: "cell 1"} {
		file := filepath.Join(t.TempDir(), "n.ipynb")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := notebook.Read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
