package dev.weft.grammar;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Where the parts of a JSON schema are that have names, for `$ref` (draft 2020-12, §8.2): each `$id` begins a schema of
/// its own, with its own places and anchors. Places are JSON pointers from the root of the whole.
final class SchemaPlaces {
    /// What holds no schema, whatever stands in it.
    private static final Set<String> VALUES = Set.of("const", "enum", "default", "examples", "example");
    /// What holds a schema behind each of its names.
    private static final Set<String> MAPS = Set.of("properties", "patternProperties", "$defs", "definitions",
            "dependentSchemas");

    /// By the address of a schema, its place; behind `#`, that of an anchor.
    private final Map<String, String> places = new HashMap<>();
    /// By the place where a schema begins, its address.
    private final Map<String, String> addresses = new HashMap<>();

    /// The keyword that gives a schema its address.
    private final String id;

    private SchemaPlaces(String id) {
        this.id = id;
    }

    static SchemaPlaces of(JsonNode root) {
        boolean old = root.path("$schema").asString("").matches(".*draft-0[34].*");
        var all = new SchemaPlaces(old ? "id" : "$id");
        all.places.put("", "");
        all.addresses.put("", "");
        all.find(root, "", "");
        return all;
    }

    private void find(JsonNode schema, String place, String base) {
        String address = base;
        String name = schema.path(id).asString("");
        if (name.startsWith("#")) {
            // As older drafts write an anchor.
            places.putIfAbsent(base + name, place);
        } else if (!name.isEmpty()) {
            address = resolved(base, name.endsWith("#") ? name.substring(0, name.length() - 1) : name);
            places.putIfAbsent(address, place);
            addresses.put(place, address);
        }
        String anchor = schema.path("$anchor").asString("");
        if (!anchor.isEmpty()) {
            places.putIfAbsent(address + "#" + anchor, place);
        }
        String here = address;
        schema.propertyStream().filter(each -> !VALUES.contains(each.getKey())).forEach(each -> {
            String inside = place + "/" + each.getKey().replace("~", "~0").replace("/", "~1");
            if (MAPS.contains(each.getKey())) {
                each.getValue().propertyStream().forEach(one -> find(one.getValue(),
                        inside + "/" + one.getKey().replace("~", "~0").replace("/", "~1"), here));
            } else if (each.getValue().isArray()) {
                for (int i = 0; i < each.getValue().size(); i++) {
                    find(each.getValue().get(i), inside + "/" + i, here);
                }
            } else {
                find(each.getValue(), inside, here);
            }
        });
    }

    /// The place that a `$ref` at a place means; null if that is not in this schema.
    @Nullable
    String target(String place, String reference) {
        String from = place;
        while (!addresses.containsKey(from)) {
            from = from.substring(0, from.lastIndexOf('/'));
        }
        int hash = reference.indexOf('#');
        String name = hash < 0 ? reference : reference.substring(0, hash);
        String fragment = hash < 0
                ? ""
                : URLDecoder.decode(reference.substring(hash + 1).replace("+", "%2B"), StandardCharsets.UTF_8);
        String address = name.isEmpty() ? addresses.get(from) : resolved(addresses.get(from), name);
        if (fragment.isEmpty() || fragment.startsWith("/")) {
            String begin = name.isEmpty() ? from : places.get(address);
            return begin == null ? null : begin + fragment;
        }
        return places.get(address + "#" + fragment);
    }

    private static String resolved(String base, String name) {
        try {
            return base.isEmpty() ? name : URI.create(base).resolve(name).toString();
        } catch (IllegalArgumentException noAddress) {
            return name;
        }
    }
}
