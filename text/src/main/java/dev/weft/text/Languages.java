package dev.weft.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Tokens of translators that name a language: `de_DE` (mBART), `deu_Latn` (NLLB), `__de__` (M2M100), `<lang:de>`
/// (Speech2Text) and `>>deu<<` (Marian).
final class Languages {
    private static final Pattern TOKEN = Pattern.compile(
            "([a-z]{2}_[A-Z]{2})|([a-z]{3}_[A-Z][a-z]{3})|__([a-z]{2,3})__|<lang:([a-z]+)>|>>([^<>]+)<<");

    private Languages() {}

    /// Their tokens by the code that stands in them.
    static Map<String, String> in(List<AddedToken> added) {
        var languages = new LinkedHashMap<String, String>();
        for (AddedToken token : added) {
            Matcher matcher = TOKEN.matcher(token.content());
            if (matcher.matches()) {
                IntStream.rangeClosed(1, matcher.groupCount()).filter(group -> matcher.group(group) != null)
                        .forEach(group -> languages.put(matcher.group(group), token.content()));
            }
        }
        return languages;
    }

    /// The token of a language by its code, the token itself, or a code's beginning where only one has it: `en` of `en_XX`.
    ///
    /// @throws IllegalArgumentException if there is none, with the codes there are
    static String token(Map<String, String> languages, String language) {
        if (languages.containsValue(language)) {
            return language;
        }
        String token = languages.get(language);
        if (token != null) {
            return token;
        }
        List<String> begun = languages.keySet().stream().filter(code -> code.startsWith(language + "_")).toList();
        if (begun.size() == 1) {
            return languages.get(begun.getFirst());
        }
        throw new IllegalArgumentException(languages.isEmpty()
                ? "\"%s\" is no language of this vocabulary, which names none".formatted(language)
                : begun.isEmpty()
                        ? "\"%s\" is no language of this vocabulary; it has %s".formatted(language,
                                String.join(", ", languages.keySet()))
                        : "\"%s\" may be one of %s; say which".formatted(language, String.join(", ", begun)));
    }

    /// A post-processor with `token` where a language's token stands.
    ///
    /// @throws IllegalArgumentException if none does
    static PostProcessor saying(PostProcessor processor, String token, Vocabulary all) {
        if (processor instanceof PostProcessor.Template template) {
            var special = new LinkedHashMap<>(template.specialTokens());
            special.put(token, List.of(new PostProcessor.Special(token, all.idOrNone(token))));
            var single = saying(template.single(), token);
            if (single.stream().anyMatch(part -> part.name().equals(token))) {
                return new PostProcessor.Template(single, saying(template.pair(), token), special);
            }
        } else if (processor instanceof PostProcessor.Sequence(List<PostProcessor> steps)) {
            var changed = new ArrayList<>(steps);
            changed.replaceAll(step -> step instanceof PostProcessor.Template ? saying(step, token, all) : step);
            if (!changed.equals(steps)) {
                return new PostProcessor.Sequence(changed);
            }
        }
        throw new IllegalArgumentException(
                "this tokenizer puts no language around a text, so that \"%s\" cannot be said".formatted(token));
    }

    private static List<PostProcessor.Part> saying(List<PostProcessor.Part> parts, String token) {
        return parts.stream().map(part -> !part.isText() && TOKEN.matcher(part.name()).matches()
                ? new PostProcessor.Part(false, token, part.typeId())
                : part).toList();
    }
}
