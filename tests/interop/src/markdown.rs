//! The fenced blocks of a Markdown text.

/// One fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The nearest heading above.
    pub(crate) section: String,
    /// The word behind the fence.
    pub(crate) language: String,
    /// Where the last link above leads that is in the same section.
    pub(crate) link: Option<String>,
    /// The lines, each with its end.
    pub(crate) text: String,
}

pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut link = None;
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        if let Some(language) = line.strip_prefix("```") {
            match open.take() {
                Some(block) => found.push(block),
                None => {
                    open = Some(Block {
                        section: section.clone(),
                        language: language.to_owned(),
                        link: link.clone(),
                        text: String::new(),
                    });
                }
            }
        } else if let Some(block) = &mut open {
            block.text.push_str(line);
            block.text.push('\n');
        } else if line.starts_with('#') {
            section = line.trim_start_matches(['#', ' ']).to_owned();
            link = None;
        } else if let Some((_, rest)) = line.rsplit_once("](") {
            link = rest.split_once(')').map(|(target, _)| target.to_owned());
        }
    }
    found
}

#[test]
fn blocks_know_their_section_and_the_last_link() {
    let markdown = "# A\n```sh\n# no heading\n\nb\n```\n## B\nsee [x](y.go) and [z](z.go):\n```go\nc\n```\n### C\n```\n```\n";
    let block = |section: &str, language: &str, link: Option<&str>, text: &str| Block {
        section: section.to_owned(),
        language: language.to_owned(),
        link: link.map(str::to_owned),
        text: text.to_owned(),
    };
    assert_eq!(
        blocks(markdown),
        [
            block("A", "sh", None, "# no heading\n\nb\n"),
            block("B", "go", Some("z.go"), "c\n"),
            block("C", "", None, ""),
        ]
    );
}
