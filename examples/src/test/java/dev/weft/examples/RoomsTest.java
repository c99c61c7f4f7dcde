package dev.weft.examples;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Who may know whom; the map for readers is docs/rooms.md.
class RoomsTest {
    private static final Map<String, List<String>> MAY_KNOW = Map.ofEntries(
            Map.entry("tensor", List.of()),
            Map.entry("jinja", List.of()),
            Map.entry("grammar", List.of()),
            Map.entry("text", List.of("jinja")),
            Map.entry("nn", List.of("tensor")),
            Map.entry("checkpoint", List.of("nn", "tensor")),
            Map.entry("models", List.of("nn", "checkpoint", "tensor")),
            Map.entry("data", List.of("text", "jinja", "tensor")),
            Map.entry("eval", List.of("data", "text", "jinja", "tensor")),
            Map.entry("train", List.of("nn", "data", "eval", "checkpoint", "text", "jinja", "tensor")),
            Map.entry("adapt", List.of("models", "nn", "checkpoint", "tensor")),
            Map.entry("run", List.of("grammar", "models", "text", "jinja", "data", "nn", "checkpoint", "tensor")),
            Map.entry("bridges", List.of("run", "grammar", "text", "jinja")),
            Map.entry("recipe",
                    List.of("run", "train", "adapt", "models", "eval", "data", "checkpoint", "nn", "text", "jinja",
                            "tensor")),
            Map.entry("cli",
                    List.of("recipe", "run", "grammar", "train", "adapt", "models", "eval", "data", "checkpoint", "nn",
                            "text",
                            "jinja",
                            "tensor")));

    private static JavaClasses rooms;

    @BeforeAll
    static void read() {
        rooms = new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .withImportOption(place -> !place.contains("/examples/")).importPackages("dev.weft");
    }

    @Test
    void every_room_is_on_the_map() {
        Set<String> found = new HashSet<>();
        rooms.forEach(type -> found.add(type.getPackageName().split("\\.")[2]));

        assertThat(found).isEqualTo(MAY_KNOW.keySet());
    }

    @Test
    void a_room_knows_only_the_rooms_before_it() {
        MAY_KNOW.forEach((room, known) -> {
            String[] strangers = MAY_KNOW.keySet().stream()
                    .filter(other -> !other.equals(room) && !known.contains(other))
                    .map(other -> "dev.weft." + other + "..").toArray(String[]::new);
            if (strangers.length > 0) {
                noClasses().that(resideInAPackage("dev.weft." + room + "..")).should()
                        .dependOnClassesThat(resideInAnyPackage(strangers)).check(rooms);
            }
        });
    }

    @Test
    void rooms_form_no_circle() {
        slices().matching("dev.weft.(*)..").should().beFreeOfCycles().check(rooms);
    }

    @Test
    void packages_form_no_circle_inside_a_room_either() {
        slices().assignedFrom(new SliceAssignment() {
            @Override
            public SliceIdentifier getIdentifierOf(JavaClass type) {
                return SliceIdentifier.of(type.getPackageName());
            }

            @Override
            public String getDescription() {
                return "packages";
            }
        }).should().beFreeOfCycles().check(rooms);
    }

    @Test
    void only_the_room_tensor_touches_the_java_classes_of_libtorch() {
        noClasses().that().resideOutsideOfPackage("dev.weft.tensor..").should()
                .dependOnClassesThat(resideInAPackage("org.bytedeco..")).check(rooms);
    }

    @Test
    void who_uses_one_library_of_the_bridges_needs_nothing_of_the_other() {
        String[] spring = {"org.springframework..", "reactor..", "dev.weft.bridges.springai.."};
        String[] langChain4j = {"dev.langchain4j..", "dev.weft.bridges.langchain4j.."};
        noClasses().that(resideInAPackage("dev.weft.bridges.langchain4j..")).should()
                .dependOnClassesThat(resideInAnyPackage(spring)).check(rooms);
        noClasses().that(resideInAPackage("dev.weft.bridges.springai..")).should()
                .dependOnClassesThat(resideInAnyPackage(langChain4j)).check(rooms);
        noClasses().that(resideInAPackage("dev.weft.bridges")).should()
                .dependOnClassesThat(resideInAnyPackage("org.springframework..", "reactor..", "dev.langchain4j.."))
                .check(rooms);
    }

    @Test
    void text_jinja_and_grammar_have_no_native_code() {
        noClasses().that(resideInAnyPackage("dev.weft.text..", "dev.weft.jinja..", "dev.weft.grammar..")).should()
                .dependOnClassesThat(resideInAnyPackage("org.bytedeco..", "java.lang.foreign..")).check(rooms);
    }
}
