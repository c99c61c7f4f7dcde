package dev.weft.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Sets special tokens around and between the encodings of one or two texts.
sealed interface PostProcessor {
    /// Adds nothing; `trimOffsets` takes the spaces at a token's edges out of its place.
    record ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) implements PostProcessor {}

    /// `<s> A </s>`, or `<s> A </s> </s> B </s>`.
    record Roberta(Special sep, Special cls, boolean trimOffsets, boolean addPrefixSpace) implements PostProcessor {
        List<Encoding> frame(List<Encoding> texts) {
            var parts = new ArrayList<Encoding>();
            parts.add(cls.encoding());
            for (Encoding text : texts) {
                if (parts.size() > 1) {
                    parts.add(sep.encoding());
                }
                parts.add(text);
                parts.add(sep.encoding());
            }
            return parts;
        }
    }

    /// `[CLS] A [SEP]`, or `[CLS] A [SEP] B [SEP]` with the second part as segment 1.
    record Bert(Special sep, Special cls) implements PostProcessor {
        List<Encoding> frame(List<Encoding> texts) {
            var parts = new ArrayList<Encoding>();
            parts.add(cls.encoding());
            for (Encoding text : texts) {
                parts.add(text);
                parts.add(sep.encoding().withTypeId(parts.size() > 2 ? 1 : 0));
            }
            return parts;
        }
    }

    /// What the file spells out, for one text and for two.
    record Template(List<Part> single, List<Part> pair,
            Map<String, List<Special>> specialTokens) implements PostProcessor {
        List<Encoding> fill(List<Encoding> texts, boolean addSpecialTokens) {
            var parts = new ArrayList<Encoding>();
            for (Part part : texts.size() == 1 ? single : pair) {
                if (part.isText) {
                    parts.add(texts.get(part.name.equals("A") ? 0 : 1).withTypeId(part.typeId));
                } else if (addSpecialTokens) {
                    for (Special special : specialTokens.get(part.name)) {
                        parts.add(Encoding.special(special.id, special.token, part.typeId));
                    }
                }
            }
            return parts;
        }

        private ObjectNode json() {
            ObjectNode json = JsonPart.object("TemplateProcessing");
            json.putArray("single").addAll(single.stream().map(Part::toJson).toList());
            json.putArray("pair").addAll(pair.stream().map(Part::toJson).toList());
            ObjectNode specials = json.putObject("special_tokens");
            for (Entry<String, List<Special>> entry : specialTokens.entrySet()) {
                ObjectNode special = specials.putObject(entry.getKey()).put("id", entry.getKey());
                ArrayNode ids = special.putArray("ids");
                ArrayNode tokens = special.putArray("tokens");
                for (Special token : entry.getValue()) {
                    ids.add(token.id);
                    tokens.add(token.token);
                }
            }
            return json;
        }
    }

    record Sequence(List<PostProcessor> processors) implements PostProcessor {}

    /// A special token and its id.
    record Special(String token, int id) {
        Encoding encoding() {
            return Encoding.special(id, token, 0);
        }

        static Special fromJson(JsonPart json, Vocabulary all) {
            List<JsonPart> items = json.items();
            if (items.size() != 2) {
                throw json.error("expected a token and its id, found " + json.node());
            }
            return new Special(items.get(0).string(), known(items.get(1), all));
        }

        ArrayNode toJson() {
            return JsonNodeFactory.instance.arrayNode().add(token).add(id);
        }
    }

    /// One place of a template: a text (`isText`, named A or B) or a special token.
    record Part(boolean isText, String name, int typeId) {
        ObjectNode toJson() {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            json.putObject(isText ? "Sequence" : "SpecialToken").put("id", name).put("type_id", typeId);
            return json;
        }
    }

    /// `texts` holds one encoding for each of the originals; the result, joined, is these with what belongs around them.
    default List<Encoding> process(List<Encoding> texts, List<String> originals, boolean addSpecialTokens) {
        return switch (this) {
            case ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) -> {
                if (trimOffsets) {
                    texts.forEach(text -> trim(text, originals, addPrefixSpace));
                }
                yield texts;
            }
            case Roberta roberta -> {
                if (roberta.trimOffsets) {
                    texts.forEach(text -> trim(text, originals, roberta.addPrefixSpace));
                }
                List<Encoding> plain = texts.stream().map(text -> text.withTypeId(0)).toList();
                yield addSpecialTokens ? roberta.frame(plain) : plain;
            }
            case Bert bert -> addSpecialTokens ? bert.frame(texts) : texts;
            case Template template -> template.fill(texts, addSpecialTokens);
            case Sequence(List<PostProcessor> processors) -> {
                List<Encoding> parts = texts;
                for (PostProcessor processor : processors) {
                    parts = processor.process(parts, originals, addSpecialTokens);
                }
                yield parts;
            }
        };
    }

    private static void trim(Encoding text, List<String> originals, boolean addPrefixSpace) {
        for (int i = 0; i < text.size(); i++) {
            String token = text.tokens()[i];
            int leading = 0;
            while (leading < token.length() && isSpace(token.charAt(leading))) {
                leading++;
            }
            int trailing = 0;
            while (trailing < token.length() && isSpace(token.charAt(token.length() - 1 - trailing))) {
                trailing++;
            }
            int[] starts = text.starts();
            int[] ends = text.ends();
            if (text.sequenceIds()[i] < 0) {
                continue;
            }
            String original = originals.get(text.sequenceIds()[i]);
            // A space that was put before the text is in no place, so it need not leave one; of several none was put.
            boolean invented = leading == 1 && addPrefixSpace && (i == 0 || starts[i] == 0);
            for (int n = leading - (invented ? 1 : 0); n > 0 && starts[i] < ends[i]; n--) {
                starts[i] += Character.charCount(original.codePointAt(starts[i]));
            }
            for (int n = trailing; n > 0 && ends[i] > starts[i]; n--) {
                ends[i] -= Character.charCount(original.codePointBefore(ends[i]));
            }
        }
    }

    private static boolean isSpace(char c) {
        return c == ByteAlphabet.charOf(' ') || Gpt2Words.isSpace(c);
    }

    /// `all` is the vocabulary with the added tokens in it.
    static PostProcessor fromJson(JsonPart json, Vocabulary all) {
        String type = json.string("type");
        return switch (type) {
            case "ByteLevel" -> {
                json.allows("add_prefix_space", "trim_offsets", "use_regex");
                yield new ByteLevel(json.flag("add_prefix_space", true), json.flag("trim_offsets", true),
                        json.flag("use_regex", true));
            }
            case "RobertaProcessing" -> {
                json.allows("sep", "cls", "trim_offsets", "add_prefix_space");
                yield new Roberta(Special.fromJson(json.at("sep"), all), Special.fromJson(json.at("cls"), all),
                        json.flag("trim_offsets", true), json.flag("add_prefix_space", true));
            }
            case "BertProcessing" -> {
                json.allows("sep", "cls");
                yield new Bert(Special.fromJson(json.at("sep"), all), Special.fromJson(json.at("cls"), all));
            }
            case "TemplateProcessing" -> template(json.allows("single", "pair", "special_tokens"), all);
            case "Sequence" -> new Sequence(json.allows("processors").at("processors").items().stream()
                    .map(part -> fromJson(part, all)).toList());
            default ->
                throw json.unknownType(type, "ByteLevel", "RobertaProcessing", "BertProcessing", "TemplateProcessing",
                        "Sequence");
        };
    }

    private static Template template(JsonPart json, Vocabulary all) {
        var specials = new LinkedHashMap<String, List<Special>>();
        JsonPart named = json.at("special_tokens");
        for (String name : named.node().propertyNames()) {
            JsonPart special = named.at(name);
            List<JsonPart> ids = special.at("ids").items();
            List<JsonPart> tokens = special.at("tokens").items();
            if (ids.size() != tokens.size()) {
                throw special.error("%d ids but %d tokens".formatted(ids.size(), tokens.size()));
            }
            specials.put(name, IntStream.range(0, ids.size())
                    .mapToObj(i -> new Special(tokens.get(i).string(), known(ids.get(i), all))).toList());
        }
        return new Template(parts(json.at("single"), specials), parts(json.at("pair"), specials), specials);
    }

    private static List<Part> parts(JsonPart template, Map<String, List<Special>> specials) {
        var parts = new ArrayList<Part>();
        for (JsonPart item : template.items()) {
            boolean isText = item.has("Sequence");
            JsonPart part = item.at(isText ? "Sequence" : "SpecialToken");
            String name = part.string("id");
            boolean second = name.equals("B") && template.place().endsWith("pair");
            if (isText ? !name.equals("A") && !second : !specials.containsKey(name)) {
                throw part.error(isText
                        ? "there is no text \"%s\" here".formatted(name)
                        : "\"%s\" is not among the special_tokens of the template".formatted(name));
            }
            parts.add(new Part(isText, name, part.has("type_id") ? part.at("type_id").id() : 0));
        }
        return parts;
    }

    private static int known(JsonPart json, Vocabulary all) {
        int id = json.id();
        if (all.token(id) == null) {
            throw json.error("id %d is outside the vocabulary of %d tokens".formatted(id, all.size()));
        }
        return id;
    }

    default ObjectNode toJson() {
        return switch (this) {
            case ByteLevel(boolean addPrefixSpace, boolean trimOffsets, boolean useRegex) ->
                JsonPart.object("ByteLevel").put("add_prefix_space", addPrefixSpace).put("trim_offsets", trimOffsets)
                        .put("use_regex", useRegex);
            case Roberta(Special sep, Special cls, boolean trimOffsets, boolean addPrefixSpace) -> {
                ObjectNode json = JsonPart.object("RobertaProcessing");
                json.set("sep", sep.toJson());
                json.set("cls", cls.toJson());
                yield json.put("trim_offsets", trimOffsets).put("add_prefix_space", addPrefixSpace);
            }
            case Bert(Special sep, Special cls) -> {
                ObjectNode json = JsonPart.object("BertProcessing");
                json.set("sep", sep.toJson());
                json.set("cls", cls.toJson());
                yield json;
            }
            case Template template -> template.json();
            case Sequence(List<PostProcessor> processors) -> {
                ObjectNode json = JsonPart.object("Sequence");
                json.putArray("processors").addAll(processors.stream().map(PostProcessor::toJson).toList());
                yield json;
            }
        };
    }
}
