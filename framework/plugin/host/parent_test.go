package host

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/spec"
)

// This binary, started again with these in its environment, is a host.
const (
	roleVar   = "TUNELAB_TEST_HOST_ROLE"
	pluginVar = "TUNELAB_TEST_HOST_PLUGIN"
	workVar   = "TUNELAB_TEST_HOST_WORK"
)

// beHost runs a plugin that starts a child and then waits, says so, and goes on
// until it is killed.
func beHost() {
	c, err := Launch(context.Background(), os.Getenv(pluginVar), LaunchOptions{})
	if err == nil {
		in := Input{RunID: "r", WorkDir: os.Getenv(workVar), Spec: spec.Run{Params: map[string]any{"fault": "helper", "at": 1, "hold_at": 3}}}
		_, err = c.Run(context.Background(), in, File{}, func(e *pb.Event) error {
			if e.GetMetric().GetStep() == 3 {
				fmt.Println("running")
			}
			return nil
		})
	}
	fmt.Println("ended:", err)
}

// A host that is killed takes its plugin and the plugin's children with it, and
// the next host removes the socket folder that it left.
func TestHostIsKilled(t *testing.T) {
	temp := ownTemp(t)
	work := t.TempDir()
	line := testplugins.NewLifeline(t, work)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"=host", pluginVar+"="+testplugins.Path(plugins, testplugins.Counter), workVar+"="+work)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || said != "running\n" {
		t.Fatalf("the host said %q, %v", said, err)
	}
	dirs := SocketDirs()
	if len(dirs) != 1 || filepath.Dir(dirs[0]) != temp {
		t.Fatalf("socket folders %v", dirs)
	}
	if sockets, err := filepath.Glob(filepath.Join(dirs[0], "plugin*")); err != nil || len(sockets) != 1 {
		t.Errorf("sockets in the folder: %v %v", sockets, err)
	}
	if swept := SweepSockets(); len(swept) != 0 {
		t.Errorf("swept %v, whose host lives", swept)
	}
	if !line.Holds(t) {
		t.Error("nobody holds the lifeline")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the host ended by itself: %v", err)
	}
	line.Ended(t)

	stranger := filepath.Join(temp, "tl12345")
	if err := os.Mkdir(stranger, 0o755); err != nil {
		t.Fatal(err)
	}
	c := launch(t, testplugins.Counter, LaunchOptions{}) // sweeps
	if left := SocketDirs(); len(left) != 1 || left[0] != c.socket || slices.Contains(left, dirs[0]) {
		t.Errorf("socket folders after the next launch: %v, its own is %s", left, c.socket)
	}
	if err := os.Remove(stranger); err != nil {
		t.Errorf("a folder of somebody else was swept: %v", err)
	}
	c.Close()
}
