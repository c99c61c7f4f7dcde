package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What others may call is documented: shapes, units, errors, sources. Overrides have what they override; accessors of a
/// record have its components' words.
class DocumentedTest {
    private static final List<String> ROOMS = List.of("tensor", "grammar", "nn", "models", "train", "adapt", "run");

    @Test
    void every_public_method_and_type_of_these_rooms_says_what_it_is() throws IOException {
        var missing = new ArrayList<String>();
        for (String room : ROOMS) {
            Path sources = Path.of("..", room, "src", "main", "java");
            try (Stream<Path> files = Files.walk(sources)) {
                collect(files.filter(file -> file.toString().endsWith(".java")
                        && !file.getFileName().toString().equals("package-info.java")).toList(), missing);
            }
        }

        assertThat(missing).isEmpty();
    }

    private static void collect(List<Path> files, List<String> missing) throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var manager = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask) compiler.getTask(null, manager, null, List.of("-proc:none"), null,
                    manager.getJavaFileObjectsFromPaths(files));
            DocTrees docs = DocTrees.instance(task);
            for (CompilationUnitTree unit : task.parse()) {
                new Undocumented(docs, unit, missing).scan(unit, null);
            }
        }
    }

    /// Visits what is public all the way up.
    private static final class Undocumented extends TreePathScanner<@Nullable Void, @Nullable Void> {
        private final DocTrees docs;
        private final CompilationUnitTree unit;
        private final List<String> missing;

        Undocumented(DocTrees docs, CompilationUnitTree unit, List<String> missing) {
            this.docs = docs;
            this.unit = unit;
            this.missing = missing;
        }

        @Override
        public @Nullable Void visitClass(ClassTree type, @Nullable Void none) {
            if (!isOpen(type.getModifiers()) || type.getSimpleName().isEmpty()) {
                return null;
            }
            require(type, type.getSimpleName().toString());
            return super.visitClass(type, none);
        }

        @Override
        public @Nullable Void visitMethod(MethodTree method, @Nullable Void none) {
            boolean overrides = method.getModifiers().getAnnotations().stream()
                    .anyMatch(each -> each.getAnnotationType().toString().equals("Override"));
            if (isOpen(method.getModifiers()) && !overrides && method.getReturnType() != null) {
                require(method, method.getName() + "()");
            }
            return null;
        }

        private boolean isOpen(ModifiersTree modifiers) {
            Set<Modifier> flags = modifiers.getFlags();
            TreePath above = getCurrentPath().getParentPath();
            boolean inInterface = above != null && above.getLeaf().getKind() == Tree.Kind.INTERFACE;
            return flags.contains(Modifier.PUBLIC) || flags.contains(Modifier.PROTECTED)
                    || inInterface && !flags.contains(Modifier.PRIVATE);
        }

        private void require(Tree tree, String name) {
            String comment = docs.getDocComment(getCurrentPath());
            if (comment == null || comment.isBlank()) {
                long line = unit.getLineMap().getLineNumber(docs.getSourcePositions().getStartPosition(unit, tree));
                try {
                    missing.add("%s:%d: %s".formatted(Path.of(unit.getSourceFile().toUri()).toRealPath().getFileName(),
                            line, name));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }
}
