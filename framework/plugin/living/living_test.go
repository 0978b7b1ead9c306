package living

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const markVar = "TUNELAB_TEST_LIVING_MARK"

func TestMain(m *testing.M) {
	if path := os.Getenv(markVar); path != "" {
		if _, err := Mark(path); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("marked")
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

func TestDeadFollowsTheMaker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mark")
	if Dead(path) {
		t.Error("dead before it was made")
	}
	m, err := Mark(path)
	if err != nil {
		t.Fatal(err)
	}
	if Dead(path) {
		t.Error("dead while it is held")
	}
	m.Release()
	if !Dead(path) {
		t.Error("not dead after its release")
	}
	var none *Marker
	none.Release()
	if _, err := Mark(filepath.Join(path, "x")); err == nil {
		t.Error("a mark in a folder that is none")
	}
}

func TestDeadAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mark")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), markVar+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "marked\n" {
		t.Fatalf("the process said %q, %v", line, err)
	}
	if Dead(path) {
		t.Error("dead while its maker lives")
	}
	cmd.Process.Kill()
	cmd.Wait()
	if !Dead(path) {
		t.Error("not dead after its maker was killed")
	}
}
