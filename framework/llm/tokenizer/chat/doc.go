// Package chat renders conversations to text for instruction-tuned models.
//
// Templates are those of a model folder: Jinja texts, rendered as transformers
// 5.23 renders them (package jinja), with tools, documents and further
// variables. A Template is the other direction, for a model trained here: a few
// strings, enough for plain conversations; its Jinja form goes into
// chat_template.jinja, so that transformers renders the same text.
package chat
