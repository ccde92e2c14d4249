//! How each forge lists changed files, page by page, to the end. Both names of what was renamed
//! count. A list that the forge cuts is made whole otherwise, or is not known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::forge::Forge;
use super::question::Question;
use super::{MOST, Missing};
use crate::config::source::SourceKind;

/// What GitHub lists of a pull request, and of a comparison, at most.
const GITHUB_PULL: usize = 3000;
const GITHUB_COMPARE: usize = 300;
/// What GitLab compares at most, as it is installed.
const GITLAB_COMPARE: usize = 1000;

pub(super) async fn ask(forge: &Forge<'_>, question: &Question) -> Result<Vec<String>, Missing> {
    match (forge.kind, question.number) {
        (SourceKind::GitHub, Some(number)) => github_pull(forge, question, number).await,
        (SourceKind::GitHub, None) => github_push(forge, question).await,
        (SourceKind::Gitea | SourceKind::Gogs, Some(number)) => {
            gitea_pull(forge, question, number).await
        }
        (SourceKind::Gitea | SourceKind::Gogs, None) => gitea_push(forge, question).await,
        (SourceKind::GitLab, number) => gitlab(forge, question, number).await,
        (SourceKind::Bitbucket, number) => bitbucket(forge, question, number).await,
        (SourceKind::BitbucketServer, number) => bitbucket_server(forge, question, number).await,
        (SourceKind::Hmac | SourceKind::CloudEvents, _) => {
            Err(Missing::Ever("nobody is there to ask for changed files".to_owned()))
        }
    }
}

/// What is at these keys of each item, each path once.
#[derive(Default)]
struct Paths {
    found: BTreeSet<String>,
    items: usize,
}

impl Paths {
    /// Says how many items there were.
    fn add(&mut self, items: Option<&Json>, keys: &[&str]) -> Result<usize, Missing> {
        let Some(items) = items.and_then(Json::as_array) else {
            return Err(Missing::Now("the forge's API: its answer has no list of files".into()));
        };
        for item in items {
            let names = keys.iter().filter_map(|key| item.pointer(key)?.as_str());
            self.found.extend(names.map(str::to_owned));
        }
        self.items += items.len();
        if self.found.len() > MOST {
            return Err(Missing::Ever(format!("more than {MOST} files changed")));
        }
        Ok(items.len())
    }

    fn all(self) -> Vec<String> {
        self.found.into_iter().collect()
    }

    /// As many as the forge says there are.
    fn whole(self, said: Option<u64>) -> Result<Vec<String>, Missing> {
        match said {
            Some(said) if (self.items as u64) < said => Err(cut(self.items, Some(said))),
            Some(_) | None => Ok(self.all()),
        }
    }
}

fn cut(shown: usize, of: Option<u64>) -> Missing {
    let of = of.map_or_else(|| "more".to_owned(), |of| of.to_string());
    Missing::Ever(format!(
        "the forge shows {shown} of {of} changed files; set `mirror:` for this source to see all"
    ))
}

fn revisions(question: &Question) -> Result<(&str, &str), Missing> {
    match (&question.before, &question.after) {
        (Some(before), Some(after)) => Ok((before, after)),
        (None, _) | (_, None) => Err(Missing::Ever(
            "the delivery does not say what it has to be compared with; set `mirror:` for this \
             source"
                .to_owned(),
        )),
    }
}

const GITHUB: [&str; 2] = ["/filename", "/previous_filename"];

async fn github_pull(
    forge: &Forge<'_>,
    question: &Question,
    number: u64,
) -> Result<Vec<String>, Missing> {
    let mut paths = Paths::default();
    for page in 1..=GITHUB_PULL / 100 {
        let path =
            format!("/repos/{}/pulls/{number}/files?per_page=100&page={page}", question.repository);
        if paths.add(Some(&forge.get(&path).await?), &GITHUB)? < 100 {
            break;
        }
    }
    let is_cut = match question.files {
        Some(files) => (paths.items as u64) < files,
        None => paths.items >= GITHUB_PULL,
    };
    if is_cut {
        return github_trees(forge, question, paths.items).await;
    }
    Ok(paths.all())
}

async fn github_push(forge: &Forge<'_>, question: &Question) -> Result<Vec<String>, Missing> {
    let compared = github_compare(forge, question).await?;
    let mut paths = Paths::default();
    paths.add(compared.get("files"), &GITHUB)?;
    if paths.items >= GITHUB_COMPARE {
        return github_trees(forge, question, paths.items).await;
    }
    Ok(paths.all())
}

async fn github_compare(forge: &Forge<'_>, question: &Question) -> Result<Json, Missing> {
    let (before, after) = revisions(question)?;
    let path = format!("/repos/{}/compare/{before}...{after}", question.repository);
    forge.get(&path).await
}

/// The files of both sides, compared here: there are more than GitHub compares.
async fn github_trees(
    forge: &Forge<'_>,
    question: &Question,
    shown: usize,
) -> Result<Vec<String>, Missing> {
    let compared = github_compare(forge, question).await?;
    let base = compared.pointer("/merge_base_commit/sha").and_then(Json::as_str);
    let fits = |base: &&str| base.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(base) = base.filter(fits) else { return Err(cut(shown, question.files)) };
    let (_, after) = revisions(question)?;
    let (old, new) =
        (github_tree(forge, question, base).await?, github_tree(forge, question, after).await?);
    let (Some(old), Some(new)) = (old, new) else { return Err(cut(shown, question.files)) };
    let differs = |path: &&String| old.get(*path) != new.get(*path);
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).filter(differs).collect();
    Ok(paths.into_iter().cloned().collect())
}

/// What is at each path; `None`: GitHub cuts this list, too.
async fn github_tree(
    forge: &Forge<'_>,
    question: &Question,
    revision: &str,
) -> Result<Option<BTreeMap<String, String>>, Missing> {
    let path = format!("/repos/{}/git/trees/{revision}?recursive=1", question.repository);
    let answer = forge.get(&path).await?;
    if answer.get("truncated").and_then(Json::as_bool) != Some(false) {
        return Ok(None);
    }
    let text = |item: &Json, key: &str| item.get(key).and_then(Json::as_str).map(str::to_owned);
    let items = answer.get("tree").and_then(Json::as_array);
    let files = items.into_iter().flatten().filter(|item| item["type"] != "tree");
    Ok(Some(
        files
            .filter_map(|item| {
                let what = format!("{} {}", text(item, "mode")?, text(item, "sha")?);
                Some((text(item, "path")?, what))
            })
            .collect(),
    ))
}

async fn gitea_pull(
    forge: &Forge<'_>,
    question: &Question,
    number: u64,
) -> Result<Vec<String>, Missing> {
    let mut paths = Paths::default();
    for page in 1.. {
        let path =
            format!("/repos/{}/pulls/{number}/files?limit=50&page={page}", question.repository);
        if paths.add(Some(&forge.get(&path).await?), &GITHUB)? == 0 {
            break;
        }
    }
    paths.whole(question.files)
}

async fn gitea_push(forge: &Forge<'_>, question: &Question) -> Result<Vec<String>, Missing> {
    let (before, after) = revisions(question)?;
    let path = format!("/repos/{}/compare/{before}...{after}", question.repository);
    let answer = forge.get(&path).await?;
    let commits = answer.get("commits").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let total = answer.get("total_commits").and_then(Json::as_u64);
    if total.is_none_or(|total| total != commits.len() as u64) {
        return Err(cut(commits.len(), total));
    }
    let mut paths = Paths::default();
    for commit in commits {
        paths.add(commit.get("files"), &GITHUB)?;
    }
    Ok(paths.all())
}

async fn gitlab(
    forge: &Forge<'_>,
    question: &Question,
    number: Option<u64>,
) -> Result<Vec<String>, Missing> {
    const KEYS: [&str; 2] = ["/new_path", "/old_path"];
    let Some(project) = question.project else {
        return Err(Missing::Ever("the delivery does not say the number of its project".into()));
    };
    let mut paths = Paths::default();
    let Some(number) = number else {
        let (before, after) = revisions(question)?;
        let path = format!(
            "/projects/{project}/repository/compare?from={before}&to={after}&straight=true"
        );
        let answer = forge.get(&path).await?;
        if answer.get("compare_timeout").and_then(Json::as_bool) == Some(true) {
            return Err(Missing::Now("the forge's API: it took too long to compare".into()));
        }
        paths.add(answer.get("diffs"), &KEYS)?;
        if paths.items >= GITLAB_COMPARE {
            return Err(cut(paths.items, None));
        }
        return Ok(paths.all());
    };
    let request = format!("/projects/{project}/merge_requests/{number}");
    for page in 1.. {
        let path = format!("{request}/diffs?per_page=100&page={page}");
        if paths.add(Some(&forge.get(&path).await?), &KEYS)? < 100 {
            break;
        }
    }
    let about = forge.get(&request).await?;
    let said = about.get("changes_count").and_then(Json::as_str).unwrap_or_default();
    match said.strip_suffix('+') {
        Some(at_least) => {
            let at_least = at_least.parse::<u64>().unwrap_or(u64::MAX);
            // It stopped counting; the list went on only where it is longer than that.
            if paths.items as u64 > at_least {
                Ok(paths.all())
            } else {
                Err(cut(paths.items, None))
            }
        }
        None => paths.whole(said.parse().ok()),
    }
}

async fn bitbucket(
    forge: &Forge<'_>,
    question: &Question,
    number: Option<u64>,
) -> Result<Vec<String>, Missing> {
    let of = format!("/repositories/{}", question.repository);
    let mut next = match number {
        Some(number) => format!("{of}/pullrequests/{number}/diffstat?pagelen=500"),
        None => {
            let (before, after) = revisions(question)?;
            format!("{of}/diffstat/{after}..{before}?pagelen=500")
        }
    };
    let mut paths = Paths::default();
    loop {
        let answer = forge.get(&next).await?;
        let found = paths.add(answer.get("values"), &["/new/path", "/old/path"])?;
        match answer.get("next").and_then(Json::as_str) {
            Some(page) if found > 0 => page.clone_into(&mut next),
            Some(_) | None => return Ok(paths.all()),
        }
    }
}

async fn bitbucket_server(
    forge: &Forge<'_>,
    question: &Question,
    number: Option<u64>,
) -> Result<Vec<String>, Missing> {
    let Some((project, name)) = question.repository.split_once('/') else {
        return Err(Missing::Ever("the delivery does not name a repository".to_owned()));
    };
    let of = format!("/projects/{project}/repos/{name}");
    let list = match number {
        Some(number) => format!("{of}/pull-requests/{number}/changes?limit=1000"),
        None => {
            let (before, after) = revisions(question)?;
            format!("{of}/compare/changes?from={after}&to={before}&limit=1000")
        }
    };
    let mut paths = Paths::default();
    let mut start = 0;
    loop {
        let answer = forge.get(&format!("{list}&start={start}")).await?;
        let found = paths.add(answer.get("values"), &["/path/toString", "/srcPath/toString"])?;
        let next = answer.get("nextPageStart").and_then(Json::as_u64);
        match next.filter(|next| *next > start && found > 0) {
            Some(next) => start = next,
            None if answer.get("isLastPage").and_then(Json::as_bool) == Some(false) => {
                return Err(cut(paths.items, None));
            }
            None => return Ok(paths.all()),
        }
    }
}
