"""What a notebook says to the kernel beside cells, and what cells say beside values."""

import re
import time
import unittest

from jupyter_client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel


class Talk(unittest.TestCase):
    def setUp(self):
        self.km, self.kc = start_new_kernel(kernel_name="tunelab")

    def tearDown(self):
        self.kc.stop_channels()
        self.km.shutdown_kernel()

    def run_cell(self, code, answers=()):
        """Runs a cell, answers its questions, and gives its messages and the questions."""
        messages, asked, answers = [], [], list(answers)

        def on_stdin(m):
            asked.append((m["content"]["prompt"], m["content"]["password"]))
            self.kc.input(answers.pop(0))

        reply = self.kc.execute_interactive(code, output_hook=messages.append, stdin_hook=on_stdin, allow_stdin=True, timeout=30)
        return reply["content"], messages, asked

    def texts(self, messages):
        return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")

    def result(self, messages):
        return [m["content"]["data"]["text/plain"] for m in messages if m["msg_type"] == "execute_result"]

    def test_input(self):
        _, messages, asked = self.run_cell('name := Input("Your name? ")\nkey := Password("Key: ")\nname + key', ["Ada", "s3"])
        self.assertEqual(asked, [("Your name? ", False), ("Key: ", True)])
        self.assertEqual(self.result(messages), ["Adas3"])

    def test_standard_input(self):
        _, messages, _ = self.run_cell("var a, b int\nfmt.Scan(&a, &b)\na + b", ["3 4"])
        self.assertEqual(self.result(messages), ["7"])
        _, messages, _ = self.run_cell("sc := bufio.NewScanner(os.Stdin)\nsc.Scan()\nsc.Text()", ["a line"])
        self.assertEqual(self.result(messages), ["a line"])

    def test_input_is_refused_where_nobody_can_be_asked(self):
        reply = self.kc.execute_interactive('Input("?")', allow_stdin=False, timeout=30, output_hook=lambda m: None)
        self.assertEqual(reply["content"]["status"], "error")
        self.assertIn("nobody can be asked", reply["content"]["evalue"])

    def test_input_is_interrupted(self):
        self.kc.execute('Input("?")', allow_stdin=True)
        self.kc.get_stdin_msg(timeout=10)
        self.km.interrupt_kernel()
        reply = self.kc.get_shell_msg(timeout=10)
        while reply["msg_type"] != "execute_reply":
            reply = self.kc.get_shell_msg(timeout=10)
        self.assertEqual(reply["content"]["ename"], "interrupted")
        _, messages, _ = self.run_cell("1+1")
        self.assertEqual(self.result(messages), ["2"])

    def test_display_is_updated(self):
        _, first, _ = self.run_cell('h := display.Show(display.HTML("0 %"))\nh.Update(display.HTML("50 %"))')
        _, second, _ = self.run_cell('h.Update(display.HTML("100 %"))')
        shown = [m for m in first if m["msg_type"] == "display_data"][0]["content"]
        updates = [m["content"] for m in first + second if m["msg_type"] == "update_display_data"]
        self.assertEqual([u["data"]["text/html"] for u in updates], ["50 %", "100 %"])
        self.assertTrue(shown["transient"]["display_id"])
        self.assertEqual({u["transient"]["display_id"] for u in updates}, {shown["transient"]["display_id"]})

    def test_clear_output(self):
        _, messages, _ = self.run_cell('fmt.Println("old")\ndisplay.Clear(true)\nfmt.Println("new")')
        order = [m["msg_type"] + str(m["content"].get("text", m["content"].get("wait"))) for m in messages if m["msg_type"] in ("stream", "clear_output")]
        self.assertEqual(order, ["streamold\n", "clear_outputTrue", "streamnew\n"])

    def test_times(self):
        _, messages, _ = self.run_cell("%time x := 41 + 1\nx")
        self.assertIn("time: ", self.texts(messages))
        self.assertEqual(self.result(messages), ["42"])
        _, messages, _ = self.run_cell("%time time.Sleep(20 * time.Millisecond); time.Sleep(20 * time.Millisecond)")
        self.assertRegex(self.texts(messages), r"time: [4-9]\d(\.\d+)?ms")
        _, messages, _ = self.run_cell("%%time\nfunc f() int { return 5 }\ntime.Sleep(20 * time.Millisecond)\ntime.Sleep(20 * time.Millisecond)\nf(), 6")
        self.assertRegex(self.texts(messages), r"time: [4-9]\d(\.\d+)?ms")
        self.assertEqual(self.result(messages), ["5 6"])
        _, messages, _ = self.run_cell("%timeit strings.Repeat(\"x\", 10)")
        self.assertRegex(self.texts(messages), r"per loop, \d+ loops")

    def test_user_expressions(self):
        self.run_cell("x := 3")
        asked = {"sum": "x + 4", "page": 'display.HTML("<b>x</b>")', "panics": "[]int{}[x]", "unknown": "y", "statement": "z := 1"}
        shown = []
        reply = self.kc.execute_interactive("x++\n7", user_expressions=asked, timeout=30, output_hook=shown.append)["content"]
        got = reply["user_expressions"]
        self.assertEqual(got["sum"], {"status": "ok", "data": {"text/plain": "8"}, "metadata": {}})
        self.assertEqual(got["page"]["data"]["text/html"], "<b>x</b>")
        self.assertEqual([(got[n]["status"], got[n]["ename"]) for n in ("panics", "unknown", "statement")], [("error", "panic"), ("error", "compile error"), ("error", "syntax error")])
        self.assertIn("index out of range [4]", got["panics"]["evalue"])
        self.assertEqual(self.result(shown), ["7"])
        reply = self.kc.execute_interactive("", silent=True, user_expressions={"x": "x"}, timeout=30)["content"]
        self.assertEqual(reply["user_expressions"]["x"]["data"], {"text/plain": "4"})
        reply = self.kc.execute_interactive("1", user_expressions={"x": 'display.JSON(map[string]any{"f": func() {}})'}, timeout=30, output_hook=lambda m: None)["content"]
        self.assertEqual((reply["status"], reply["user_expressions"]), ("ok", {}))  # what cannot be sent is left out
        reply = self.kc.execute_interactive("panic(1)", user_expressions={"x": "x"}, timeout=30, output_hook=lambda m: None)["content"]
        self.assertNotIn("user_expressions", reply)

    def traceback(self, code):
        _, messages, _ = self.run_cell(code)
        return [re.sub("\x1b\\[[0-9;]*m", "", line) for m in messages if m["msg_type"] == "error" for line in m["content"]["traceback"]]

    def test_traceback(self):
        self.assertEqual(self.traceback("x := 1\n\ty := x +* 2")[1:], ["    \ty := x +* 2", "    \t          ^"])
        n = self.kc.execute_interactive("func at(i int) int {\n\treturn []int{1}[i]\n}", timeout=30)["content"]["execution_count"]
        self.assertEqual(self.traceback("_ = 1\nat(4)")[1:], [
            "    \treturn []int{1}[i]",
            "    \t               ^",
            "at\n\tIn[%d]:2\treturn []int{1}[i]" % n,
            "In[%d]\n\tIn[%d]:2\tat(4)" % (n + 1, n + 1),
        ])

    def test_commands(self):
        _, messages, _ = self.run_cell("%cd /\n$ pwd")
        self.assertEqual(self.texts(messages), "/\n/\n")
        self.run_cell("kept := 1\nfunc gone() {}")
        _, messages, _ = self.run_cell("%who")
        self.assertRegex(self.texts(messages), r"gone +func +func\(\) +In\[\d+\]\nkept +var +int")
        self.run_cell("%reset")
        _, messages, _ = self.run_cell("%who")
        self.assertEqual(self.texts(messages), "nothing is declared\n")
        for code, words in {"%nothing": "is no command", "%%go\nx := y": "undefined: y", "%require": "which module?", "%export": "to which file?", "$ exit 3": "exit status 3", "%cd /nowhere": "no such file"}.items():
            reply, _, _ = self.run_cell(code)
            self.assertIn(words, reply["evalue"])

    def test_compiled_cells(self):
        _, messages, _ = self.run_cell("%%go\nfunc Twice(x int) int { return 2 * x }\nfmt.Println(\"compiled\")")
        self.assertEqual(self.texts(messages), "compiled\n")
        _, messages, _ = self.run_cell("Twice(21)")
        self.assertIn("'42'", str(messages))

    def test_waiting_cells_are_aborted_behind_an_error(self):
        self.kc.execute("time.Sleep(300 * time.Millisecond)\npanic(1)")
        self.kc.execute("2", stop_on_error=True)
        states = []
        while len(states) < 2:
            m = self.kc.get_shell_msg(timeout=10)
            if m["msg_type"] == "execute_reply":
                states.append(m["content"]["status"])
        self.assertEqual(states, ["error", "aborted"])

    def test_requests_are_answered_while_a_cell_runs(self):
        self.run_cell("points := []int{1}")
        self.kc.execute("time.Sleep(2 * time.Second)")
        time.sleep(0.2)
        began = time.time()
        self.kc.complete("poin")
        while True:
            m = self.kc.get_shell_msg(timeout=10)
            if m["msg_type"] == "complete_reply":
                break
        self.assertIn("points", m["content"]["matches"])
        self.assertLess(time.time() - began, 1.5)

    def test_restart(self):
        self.run_cell("x := 1")
        self.km.restart_kernel(now=False)
        self.kc.wait_for_ready(timeout=20)
        reply, _, _ = self.run_cell("x")
        self.assertIn("undefined", reply["evalue"])

    def test_stderr_of_compiled_code(self):
        _, messages, _ = self.run_cell('log.Print("logged")\nprintln("builtin")')
        self.assertIn("logged", self.texts(messages))
        self.assertIn("builtin", self.texts(messages))

    def another(self):
        """A client with a session of its own."""
        client = BlockingKernelClient()
        client.load_connection_file(self.km.connection_file)
        return client

    def test_another_client(self):
        other = self.another()
        other.start_channels()
        other.wait_for_ready(timeout=10)
        self.run_cell("shared := 5")
        got = []
        other.execute_interactive("shared", output_hook=got.append, timeout=10)
        self.assertEqual(self.result(got), ["5"])
        other.stop_channels()
        again = self.another()
        again.start_channels()
        again.wait_for_ready(timeout=10)
        again.stop_channels()


if __name__ == "__main__":
    unittest.main()
