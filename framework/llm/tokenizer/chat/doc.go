// Package chat renders conversations to text for instruction-tuned models. A
// Template is a few strings, enough for plain conversations; its Jinja form
// goes into chat_template.jinja, so that transformers renders the same text.
package chat
