//! One source file, as far as the paths in it go.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec::IntoIter;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A file, what it names and what it re-exports. Paths are absolute within the crate.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The file's path below the crate's `src`.
    pub(super) file: String,
    /// The modules that it declares and that are files of their own.
    pub(super) children: Vec<Vec<String>>,
    /// Everything of this crate that it names.
    pub(super) uses: Vec<Use>,
    /// The items that it re-exports: the name here and the path of what it stands for.
    pub(super) exports: BTreeMap<String, Vec<String>>,
}

/// A path of this crate, where a file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// The path from the crate's root.
    pub(super) path: Vec<String>,
    /// The line, from 1.
    pub(super) line: usize,
}

impl Source {
    /// Reads the file that is the module `module`.
    ///
    /// # Errors
    /// When it is no Rust.
    pub(super) fn parse(file: &str, module: &[String], text: &str) -> Result<Self> {
        let tokens: TokenStream =
            text.parse().map_err(|error| anyhow!("{file} is no Rust: {error}"))?;
        let mut source = Self { file: file.to_owned(), ..Self::default() };
        let mut scope = Scope { module: module.to_vec(), declared: declared(&tokens) };
        source.scan(tokens, &mut scope);
        Ok(source)
    }

    fn scan(&mut self, tokens: TokenStream, scope: &mut Scope) {
        let mut tokens = tokens.into_iter().collect::<Vec<_>>().into_iter().peekable();
        // Whether the next item is re-exported, and whether a word goes on with a path from before,
        // as `b` does in `A<T>::b`.
        let (mut is_public, mut is_continued) = (false, false);
        let mut is_colon = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    if next_group(&mut tokens).is_some_and(|group| is_test(&group)) {
                        skip_item(&mut tokens);
                    }
                }
                TokenTree::Punct(mark) => {
                    is_continued = is_colon && mark.as_char() == ':';
                    is_colon = mark.as_char() == ':' && mark.spacing() == Spacing::Joint;
                    continue;
                }
                TokenTree::Ident(word) if word == "pub" => {
                    // `pub(crate)` and its like name no item.
                    tokens.next_if(|next| is_group(next, Delimiter::Parenthesis));
                    is_public = true;
                    continue;
                }
                TokenTree::Ident(word) if word == "use" => {
                    self.take_use(&mut tokens, scope, is_public);
                }
                TokenTree::Ident(word) if word == "mod" => self.take_module(&mut tokens, scope),
                TokenTree::Ident(word) if !is_continued => {
                    let line = word.span().start().line;
                    let path = rest_of_path(word.to_string(), &mut tokens);
                    // A word alone is a variable, a keyword or an item of this very module.
                    let path = scope.absolute(&path).filter(|_| path.len() > 1);
                    self.uses.extend(path.map(|path| Use { path, line }));
                }
                TokenTree::Group(group) => self.scan(group.stream(), scope),
                TokenTree::Ident(_) | TokenTree::Literal(_) => {}
            }
            (is_public, is_continued) = (false, false);
        }
    }

    fn take_module(&mut self, tokens: &mut Tokens, scope: &mut Scope) {
        let Some(TokenTree::Ident(name)) = tokens.next() else { return };
        let module = [scope.module.as_slice(), &[name.to_string()]].concat();
        match tokens.next() {
            Some(TokenTree::Group(body)) => {
                let declared = declared(&body.stream());
                self.scan(body.stream(), &mut Scope { module, declared });
            }
            _ => self.children.push(module),
        }
    }

    /// Takes a `use` up to its semicolon.
    fn take_use(&mut self, tokens: &mut Tokens, scope: &Scope, is_public: bool) {
        let tree: Vec<TokenTree> =
            tokens.by_ref().take_while(|token| !is_mark(token, ';')).collect();
        for leaf in leaves(&[], tree) {
            let Some(path) = scope.absolute(&leaf.path) else { continue };
            if is_public && let Some(name) = leaf.name {
                self.exports.insert(name, path);
            } else {
                self.uses.push(Use { path, line: leaf.line });
            }
        }
    }
}

/// Where in the crate a path is read.
struct Scope {
    /// The module, inline ones included.
    module: Vec<String>,
    /// The modules that it declares: a path may begin with one of them.
    declared: Vec<String>,
}

impl Scope {
    /// The path from the crate's root; none for one that leads elsewhere, such as into `std`.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([self.module.as_slice(), rest].concat()),
            "super" => {
                let mut module = self.module.clone();
                module.pop();
                let ups = rest.iter().take_while(|word| *word == "super").count();
                module.truncate(module.len().saturating_sub(ups));
                Some([module.as_slice(), &rest[ups..]].concat())
            }
            _ if self.declared.contains(first) => Some([self.module.as_slice(), path].concat()),
            _ => None,
        }
    }
}

type Tokens = Peekable<IntoIter<TokenTree>>;

/// One path that a `use` brings in.
struct Leaf {
    path: Vec<String>,
    /// The name under which it is known here; none for a glob.
    name: Option<String>,
    line: usize,
}

/// The paths of a `use` tree below `stem`.
fn leaves(stem: &[String], tree: Vec<TokenTree>) -> Vec<Leaf> {
    let mut found = Vec::new();
    for branch in tree.split(|token| is_mark(token, ',')) {
        let mut path = stem.to_vec();
        let (mut line, mut name, mut is_glob) = (0, None, false);
        let mut words = branch.iter();
        while let Some(token) = words.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    name = words.next().map(ToString::to_string);
                }
                TokenTree::Ident(word) => {
                    line = word.span().start().line;
                    // `a::{self}` is `a`.
                    if word != "self" || path.is_empty() {
                        path.push(word.to_string());
                    }
                }
                TokenTree::Group(group) => {
                    found.extend(leaves(&path, group.stream().into_iter().collect()));
                    path.clear();
                }
                TokenTree::Punct(mark) => is_glob |= mark.as_char() == '*',
                TokenTree::Literal(_) => {}
            }
        }
        if path.len() > stem.len() || line > 0 && !path.is_empty() {
            let name = if is_glob { None } else { name.or_else(|| path.last().cloned()) };
            found.push(Leaf { path, name, line });
        } else if is_glob && !path.is_empty() {
            found.push(Leaf { path, name: None, line });
        }
    }
    found
}

/// The words of a path that begins with `first`; the tokens behind it stay.
fn rest_of_path(first: String, tokens: &mut Tokens) -> Vec<String> {
    let mut path = vec![first];
    while tokens.next_if(|token| is_mark(token, ':')).is_some() {
        // The second colon; a single one was no path's, and what follows it is a type or a value.
        if tokens.next_if(|token| is_mark(token, ':')).is_none() {
            break;
        }
        match tokens.next_if(|token| matches!(token, TokenTree::Ident(_))) {
            Some(word) => path.push(word.to_string()),
            None => break,
        }
    }
    path
}

/// The names of the modules that are declared at the top of these tokens.
fn declared(tokens: &TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let pairs = tokens.windows(2).filter(|pair| pair[0].to_string() == "mod");
    pairs.map(|pair| pair[1].to_string()).collect()
}

/// Whether an attribute leaves its item out of everything but tests.
fn is_test(attribute: &TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text == "test" || text.starts_with("cfg(test") || text.starts_with("cfg(all(test")
}

/// Passes over an item: up to a semicolon, or to the end of its body.
fn skip_item(tokens: &mut Tokens) {
    let mut ends_with_semicolon = false;
    for token in tokens.by_ref() {
        let word = token.to_string();
        ends_with_semicolon |= ["use", "const", "static", "type", "let"].contains(&word.as_str());
        let is_body = is_group(&token, Delimiter::Brace) && !ends_with_semicolon;
        if is_mark(&token, ';') || is_body {
            return;
        }
    }
}

fn next_group(tokens: &mut Tokens) -> Option<TokenStream> {
    tokens.next_if(|token| is_mark(token, '!'));
    match tokens.next_if(|token| is_group(token, Delimiter::Bracket))? {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    }
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}
