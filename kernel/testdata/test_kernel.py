"""The kernel in jupyter_kernel_test: every test it has, with samples in Go."""

import unittest

import jupyter_kernel_test as jkt


class GoKernelTests(jkt.KernelTests):
    kernel_name = "tunelab"
    language_name = "go"
    file_extension = ".go"

    code_hello_world = 'fmt.Println("hello, world")'
    code_stderr = 'fmt.Fprintln(os.Stderr, "oops")'

    completion_samples = [
        {"text": "strings.Repea", "matches": {"Repeat"}},
        {"text": "fmt.Sprintl", "matches": {"Sprintln"}},
        {"text": "%hel", "matches": {"help"}},
    ]

    complete_code_samples = [
        "1",
        'fmt.Println("hello, world")',
        "func f(x int) int {\n\treturn x * 2\n}\n",
        "x := `raw\ntext`",
        "%who",
        "for i := range 3 {\n}",
    ]
    incomplete_code_samples = [
        "func f(",
        "for i := range 3 {",
        "x := `raw",
        "y := 1 +",
        "/* a comment",
    ]
    invalid_code_samples = ["import 7q", "x := := 2", "1 }"]

    code_page_something = "%help"
    code_generate_error = 'panic("at the disco")'

    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[]int{1, 4, 9}", "result": "[1 4 9]"},
        {"code": 'strings.Repeat("ab", 2)', "result": "abab"},
        {"code": 'display.HTML("<b>bold</b>")', "mime": "text/html"},
        {"code": 'display.Markdown("*it*")', "mime": "text/markdown"},
        {"code": 'display.Latex("x^2")', "mime": "text/latex"},
        {"code": 'display.SVG("<svg></svg>")', "mime": "image/svg+xml"},
        {"code": 'display.JSON(map[string]any{"a": 1})', "mime": "application/json"},
        {"code": "image.NewGray(image.Rect(0, 0, 2, 2))", "mime": "image/png"},
    ]
    code_display_data = [
        {"code": 'Display(display.HTML("<b>test</b>"))', "mime": "text/html"},
        {"code": 'display.Show(display.Markdown("# head"))\nfmt.Print()', "mime": "text/markdown"},
        {"code": "Display(image.NewGray(image.Rect(0, 0, 2, 2)))", "mime": "image/png"},
    ]

    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")

    code_inspect_sample = "strings.Repeat"
    code_clear_output = "display.Clear(false)"


class GoWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "tunelab"
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
