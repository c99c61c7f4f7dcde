/// Our own interpreter of the Jinja that chat templates are written in: the language of jinja2 3.1 as the Python library
/// `transformers` configures it, with Python's values behind it.
///
/// Start with [Template]. A text goes through `Lexer` (tokens), `Parser` ([Expression] and [Statement]) and `Evaluator`;
/// `Python` knows what Python's values do, `Filters`, `Tests` and `Globals` what Jinja adds. A template sees what it is
/// given and nothing else: no class, file or environment can be reached, and [TemplateLimits] bounds what it costs.
///
/// ```java
/// String text = Template.of("greeting", "Hello {{ name }}!").render(Map.of("name", "Ada"));
/// ```
/// Before this package: nothing, no room and no native code. After it: `dev.weft.text.chat`, which renders conversations.
@NullMarked
package dev.weft.jinja;

import org.jspecify.annotations.NullMarked;
