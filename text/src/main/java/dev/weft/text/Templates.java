package dev.weft.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Templates in the short words that Hugging Face's library knows them by: `[CLS]:0 $A:0 [SEP]:0`.
final class Templates {
    private Templates() {}

    /// @throws IllegalArgumentException if the vocabulary does not hold one of the tokens
    static PostProcessor.Template of(String single, String pair, Vocabulary all) {
        var special = new LinkedHashMap<String, List<PostProcessor.Special>>();
        return new PostProcessor.Template(parts(single, all, special), parts(pair, all, special), special);
    }

    private static List<PostProcessor.Part> parts(String template, Vocabulary all,
            Map<String, List<PostProcessor.Special>> special) {
        var parts = new ArrayList<PostProcessor.Part>();
        for (String word : template.strip().split(" +")) {
            boolean typed = word.matches(".+:\\d");
            String name = typed ? word.substring(0, word.length() - 2) : word;
            int typeId = typed ? word.charAt(word.length() - 1) - '0' : 0;
            boolean text = name.equals("$A") || name.equals("$B");
            if (!text) {
                int id = all.idOrNone(name);
                if (id < 0) {
                    throw new IllegalArgumentException(
                            ("the token \"%s\", which the family of this tokenizer puts around a text, is not in its "
                                    + "vocabulary of %d tokens").formatted(name, all.size()));
                }
                special.put(name, List.of(new PostProcessor.Special(name, id)));
            }
            parts.add(new PostProcessor.Part(text, text ? name.substring(1) : name, typeId));
        }
        return parts;
    }
}
