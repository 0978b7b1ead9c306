"""What kills, blocks or floods a cell: the kernel says what is lost and goes on."""

import os
import signal
import subprocess
import threading
import time
import unittest

from jupyter_client.manager import start_new_kernel


def children(pid):
    out = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in out.splitlines()]
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        kids = [c for c, parent in rows if parent == p]
        found += kids
        todo += kids
    return found


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Robust(unittest.TestCase):
    def setUp(self):
        self.km, self.kc = start_new_kernel(kernel_name="tunelab")
        self.pid = self.km.provisioner.process.pid

    def tearDown(self):
        below = [self.pid] + children(self.pid)
        self.kc.stop_channels()
        self.km.shutdown_kernel()
        end = time.time() + 3
        while time.time() < end and any(map(alive, below)):
            time.sleep(0.05)
        self.assertEqual([p for p in below if alive(p)], [], "processes are left after shutdown")

    def run_cell(self, code, timeout=60):
        out = {"text": "", "error": None, "trace": "", "result": None}

        def hook(m):
            c = m["content"]
            if m["msg_type"] == "stream":
                out["text"] += c["text"]
            elif m["msg_type"] == "error":
                out["error"], out["trace"] = c["ename"] + ": " + c["evalue"], "\n".join(c["traceback"])
            elif m["msg_type"] == "execute_result":
                out["result"] = c["data"]["text/plain"]

        self.kc.execute_interactive(code, output_hook=hook, timeout=timeout, allow_stdin=False)
        return out

    def answers(self):
        began = time.time()
        self.assertEqual(self.run_cell("1+1", timeout=5)["result"], "2")
        self.assertLess(time.time() - began, 5)

    def interrupted(self, code, limit, how=None):
        """Interrupts a cell; gives its output. The limit is ten times what is promised."""
        when = []

        def later():
            time.sleep(0.4)
            when.append(time.time())
            (how or self.km.interrupt_kernel)()

        self.run_cell("kept := 42")
        t = threading.Thread(target=later)
        t.start()
        out = self.run_cell(code)
        took = time.time() - when[0]
        t.join()
        self.assertIn("interrupted", out["error"] or "")
        self.assertLess(took, limit)
        self.assertEqual(self.run_cell("kept")["result"], "42")
        self.answers()
        return out

    def died(self, code, *words, timeout=60):
        self.run_cell("lost := 1")
        out = self.run_cell(code, timeout)
        self.assertIn("worker ended", out["error"] or "")
        self.assertIn("are lost", out["error"])
        for w in words:
            self.assertIn(w, out["error"] + out["text"])
        self.answers()
        self.assertIn("undefined", self.run_cell("lost")["error"])

    def test_endless_loop(self):
        self.interrupted("for {\n}", 1)

    def test_endless_loop_in_a_function(self):
        self.interrupted("func spin(n int) int {\n\tfor {\n\t\tn++\n\t}\n}\nspin(1)", 1)

    def test_loop_in_a_goroutine_that_is_waited_for(self):
        self.interrupted("var wg sync.WaitGroup\nwg.Add(1)\ngo func() {\n\tdefer wg.Done()\n\tfor {\n\t}\n}()\nwg.Wait()", 1)

    def test_interrupt_by_signal(self):
        self.interrupted("for {\n}", 1, lambda: os.kill(self.pid, signal.SIGINT))

    def test_select_without_end(self):
        self.interrupted("select {}", 10)

    def test_sleep(self):
        self.interrupted("time.Sleep(time.Minute)", 10)

    def test_blocked_read(self):
        self.interrupted("r, w, _ := os.Pipe()\nb := make([]byte, 1)\nr.Read(b)\nw.Close()", 10)

    def test_shell_command(self):
        self.interrupted("$ sleep 60", 10)

    def test_goroutine_panic(self):
        self.run_cell("x := 1")
        out = self.run_cell('go func() { panic("in the background") }()\ntime.Sleep(200 * time.Millisecond)')
        self.assertIn("in the background", out["text"] + str(out["error"]))
        self.answers()

    def test_goroutine_panic_after_its_cell(self):
        self.run_cell('go func() { time.Sleep(300 * time.Millisecond); var m map[string]int; m["a"] = 1 }()')
        time.sleep(0.6)
        self.answers()

    def test_exit(self):
        out = self.run_cell("os.Exit(3)")
        self.assertIn("os.Exit(3)", out["error"])
        self.answers()

    def test_exit_in_compiled_code(self):
        self.died("syscall.Exit(3)", "exit status 3")

    def test_stack_overflow(self):
        self.died("func f(n int) int { return f(n+1) + 1 }\nf(0)", "stack")

    def test_concurrent_map_write(self):
        self.died(
            "m := map[int]int{}\nvar wg sync.WaitGroup\nfor g := range 8 {\n\twg.Go(func() {\n\t\tfor i := range 1000000 {\n\t\t\tm[i%10] = g\n\t\t}\n\t})\n}\nwg.Wait()",
            "concurrent map",
        )

    def test_kill(self):
        self.died("syscall.Kill(os.Getpid(), syscall.SIGKILL)", "killed")

    def test_kill_while_idle(self):
        self.run_cell("lost := 1")
        pid = int(self.run_cell("os.Getpid()")["result"])
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        self.answers()
        self.assertIn("undefined", self.run_cell("lost")["error"])

    def test_flood(self):
        began = time.time()
        out = self.run_cell('line := strings.Repeat("x", 99) + "\\n"\nfor range 100000 {\n\tfmt.Print(line)\n}\nfmt.Println("the end")')
        self.assertIsNone(out["error"])
        self.assertLess(len(out["text"]), 6 << 20)
        self.assertTrue("are cut" in out["text"], "no note of what was cut")
        self.assertLess(time.time() - began, 20)
        self.answers()

    def test_terabyte(self):
        out = self.run_cell("b := make([]byte, 1<<40)\nfor i := 0; i < len(b); i += 4096 {\n\tb[i] = 1\n\tif i > 1<<30 {\n\t\tpanic(\"enough\")\n\t}\n}", timeout=120)
        self.assertIsNotNone(out["error"])
        self.answers()

    def test_shutdown_while_a_cell_runs(self):
        self.kc.execute("for {\n}")
        time.sleep(0.5)

    def test_children_of_cells_end(self):
        self.run_cell('cmd := exec.Command("sleep", "60")\ncmd.Start()')


if __name__ == "__main__":
    unittest.main()
