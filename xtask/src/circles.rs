//! Circles of files within a crate: files that need each other, directly or through others.
//!
//! A module is a file. A file needs another one when it names an item of it, in a `use` or in a path
//! that stands elsewhere and begins with `crate`, `self`, `super` or a module of its own.
//!
//! * A parent `foo.rs` puts its descendants `foo/**.rs` together: what it names of them does not count.
//!   What they name of their parent or of each other does, so a parent is part of a circle when a
//!   descendant needs it and it needs the descendant through a third file.
//! * A re-export (`pub use`, `pub(crate) use`) needs nothing either: it says where an item is found.
//!   A path that leads through it needs the file in which the item is defined.
//! * Code under `#[cfg(test)]` does not count: a test may put together whatever it likes.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::Package;

use self::source::{Source, Use};

/// Files of one crate that need each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circle {
    /// The crate's name.
    pub(crate) package: String,
    /// The paths of the files below the crate's `src`, in order.
    pub(crate) files: Vec<String>,
    /// One line for each pair of files of which one needs the other, with the path that says so.
    pub(crate) imports: Vec<String>,
}

/// All circles in the crates of `packages`, the largest of each crate first.
///
/// # Errors
/// When a source file cannot be read or is no Rust.
pub(crate) fn all(packages: &[Package]) -> Result<Vec<Circle>> {
    let mut found = Vec::new();
    for package in packages {
        let src = package.manifest_path.with_file_name("src").into_std_path_buf();
        let sources = read(&src).with_context(|| format!("cannot read {}", src.display()))?;
        found.extend(circles(&package.name, &sources));
    }
    Ok(found)
}

/// The circles that are larger than their crate may have, one text each.
pub(crate) fn violations(circles: &[Circle]) -> Vec<String> {
    let too_large = circles.iter().filter(|circle| circle.files.len() > LARGEST);
    too_large
        .map(|circle| {
            let imports = circle.imports.join("\n  ");
            format!("{circle}, {LARGEST} are allowed; it is closed by\n  {imports}")
        })
        .collect()
}

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (package, files) = (&self.package, &self.files);
        write!(f, "{package}: a circle of {} files: {}", files.len(), files.join(", "))
    }
}

/// The sources of a crate by module; the crate's root is the empty path.
fn read(src: &Path) -> Result<BTreeMap<Vec<String>, Source>> {
    let root = ROOTS.map(|name| src.join(name)).into_iter().find(|it| it.exists());
    let mut sources = BTreeMap::new();
    let mut open: Vec<(Vec<String>, PathBuf)> =
        root.into_iter().map(|it| (Vec::new(), it)).collect();
    while let Some((module, path)) = open.pop() {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let file = path.strip_prefix(src).unwrap_or(&path).display().to_string();
        let source = Source::parse(&file, &module, &text)?;
        for child in &source.children {
            let path = src.join(child.join("/")).with_extension("rs");
            open.push((child.clone(), path));
        }
        sources.insert(module, source);
    }
    Ok(sources)
}

fn circles(package: &str, sources: &BTreeMap<Vec<String>, Source>) -> Vec<Circle> {
    let needs: BTreeMap<&str, BTreeMap<&str, &Use>> =
        sources.values().map(|source| (source.file.as_str(), needs(source, sources))).collect();
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        needs.keys().map(|file| (*file, reachable(file, &needs))).collect();
    let mut found: Vec<Circle> = Vec::new();
    for (file, others) in &reach {
        if found.iter().any(|circle| circle.files.iter().any(|known| known == file)) {
            continue;
        }
        let both = others.iter().filter(|other| reach[*other].contains(file));
        let files: Vec<String> = both.map(|other| (*other).to_owned()).collect();
        if files.is_empty() {
            continue;
        }
        let inside = |file: &str| files.iter().any(|known| known == file);
        let mut imports = Vec::new();
        for (from, needed) in needs.iter().filter(|(from, _)| inside(from)) {
            for (to, by) in needed.iter().filter(|(to, _)| inside(to)) {
                imports.push(format!("{from}:{} needs {to}: {}", by.line, by.path.join("::")));
            }
        }
        found.push(Circle { package: package.to_owned(), files, imports });
    }
    found.sort_by_key(|circle| std::cmp::Reverse(circle.files.len()));
    found
}

/// The files that `source` needs, each with the first path that says so.
fn needs<'a>(
    source: &'a Source,
    sources: &'a BTreeMap<Vec<String>, Source>,
) -> BTreeMap<&'a str, &'a Use> {
    let mut found = BTreeMap::new();
    for by in &source.uses {
        let file = defining_file(&by.path, sources, MOST_RE_EXPORTS);
        let counts = |other: &&str| *other != source.file && !is_descendant(other, &source.file);
        if let Some(file) = file.filter(counts) {
            found.entry(file).or_insert(by);
        }
    }
    found
}

/// Whether `file` is the module of a child of `parent`, or of a child's child; all are the root's.
fn is_descendant(file: &str, parent: &str) -> bool {
    let folder = parent.strip_suffix(".rs").unwrap_or(parent);
    let below = file.strip_prefix(folder);
    ROOTS.contains(&parent) || below.is_some_and(|below| below.starts_with('/'))
}

/// The file of the module in which the item at `path` is defined, re-exports followed.
fn defining_file<'a>(
    path: &[String],
    sources: &'a BTreeMap<Vec<String>, Source>,
    re_exports: usize,
) -> Option<&'a str> {
    let length = (0..=path.len()).rev().find(|length| sources.contains_key(&path[..*length]))?;
    let source = &sources[&path[..length]];
    let exported = path.get(length).and_then(|item| source.exports.get(item));
    if let (Some(exported), Some(left)) = (exported, re_exports.checked_sub(1)) {
        let path = [exported.as_slice(), &path[length + 1..]].concat();
        return defining_file(&path, sources, left);
    }
    Some(&source.file)
}

/// All files that `file` needs, those that it needs through others included.
fn reachable<'a>(
    file: &'a str,
    needs: &BTreeMap<&'a str, BTreeMap<&'a str, &Use>>,
) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![file]);
    while let Some(next) = open.pop() {
        open.extend(needs[next].keys().filter(|other| found.insert(**other)));
    }
    found
}

/// The files that may be the root of a crate.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

/// The largest circle that a crate may have, in files.
const LARGEST: usize = 6;

/// A path that leads through more re-exports than this leads in a circle.
const MOST_RE_EXPORTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate with these files, the root first.
    fn circles_of(files: &[(&str, &str)]) -> Vec<Circle> {
        let mut sources = BTreeMap::new();
        for (file, text) in files {
            let name = file.trim_end_matches(".rs");
            let module: Vec<String> =
                name.split('/').filter(|part| *part != "lib").map(str::to_owned).collect();
            let source = Source::parse(file, &module, text).expect("Rust");
            sources.insert(module, source);
        }
        circles("ois-x", &sources)
    }

    #[test]
    fn files_that_need_each_other_through_a_third_are_a_circle() {
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn b() { crate::c::c() }"),
            ("c.rs", "use std::fmt;\nuse crate::{d::D, a::{A, Other as Name}};"),
            ("d.rs", "struct D;"),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].files, ["a.rs", "b.rs", "c.rs"]);
        let imports =
            ["a.rs:1 needs b.rs: b::B", "b.rs:1 needs c.rs: c::c", "c.rs:2 needs a.rs: a::A"];
        assert_eq!(found[0].imports, imports);
    }

    #[test]
    fn a_parent_puts_its_children_together() {
        let child = ("a/b.rs", "use super::A;");
        for parent in ["mod b; use self::b::B;", "mod b; fn f() { b::f() }", "mod b; use b::B;"] {
            let found = circles_of(&[("lib.rs", "mod a;"), ("a.rs", parent), child]);
            assert_eq!(found, [], "{parent}");
        }
        let found = circles_of(&[
            ("lib.rs", "mod a; mod c;"),
            ("a.rs", "mod b; use crate::c::C;"),
            child,
            ("c.rs", "fn c(b: crate::a::b::B) {}"),
        ]);
        assert_eq!(found[0].files, ["a.rs", "a/b.rs", "c.rs"]);
    }

    #[test]
    fn children_of_one_parent_are_a_circle_by_whatever_path_they_need_each_other() {
        for path in ["use super::c::C;", "use crate::a::c::C;", "fn f(c: super::super::a::c::C) {}"]
        {
            let c = ("a/c.rs", "use super::{self, b::B};");
            let found =
                circles_of(&[("lib.rs", "mod a;"), ("a.rs", "mod b; mod c;"), ("a/b.rs", path), c]);
            assert_eq!(found[0].files, ["a/b.rs", "a/c.rs"], "{path}");
        }
    }

    #[test]
    fn a_re_export_needs_nothing_and_leads_to_the_definition() {
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            ("a.rs", "mod c; pub(crate) use self::c::C as D; struct A;"),
            ("a/c.rs", "use super::A; struct C;"),
            ("b.rs", "use crate::{A, a::D};"),
        ]);
        assert_eq!(found, []);
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use crate::A;"),
        ]);
        assert_eq!(found.first().map(|circle| circle.files.len()), Some(2));
    }

    #[test]
    fn tests_do_not_count() {
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "#[cfg(test)]\nmod tests { use crate::a::A; }\n#[cfg(test)] use crate::a::C;"),
        ]);
        assert_eq!(found, []);
    }

    #[test]
    fn a_circle_is_refused_where_it_is_larger_than_its_crate_may_have() {
        let circle = |package: &str, count: usize| Circle {
            package: package.to_owned(),
            files: (0..count).map(|number| format!("{number}.rs")).collect(),
            imports: vec!["0.rs:1 needs 1.rs: x".to_owned()],
        };
        assert_eq!(violations(&[circle("ois-x", LARGEST)]), Vec::<String>::new());
        let found = violations(&[circle("ois-x", LARGEST + 1)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("0.rs, 1.rs") && found[0].contains("0.rs:1 needs 1.rs: x"));
    }
}
