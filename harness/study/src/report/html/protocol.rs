//! Under which conditions the numbers came about.

use maud::{Markup, html};

use crate::{
    cell::RunResult,
    names,
    report::{Content, config},
    summary::{Group, Summary},
    words::{count, shared},
};

/// A line of the table: its name, and its value for a run.
type Line<'l> = (&'static str, &'l dyn Fn(&RunResult) -> String);
/// The same, of a configuration.
type FromConfig<'l> = (&'static str, &'l dyn Fn(&toml::Table) -> Option<String>);

/// A column for each data set; `None` where nothing was run.
pub fn table(content: &Content) -> Option<Markup> {
    let summary = content.summary;
    let datasets = Summary::datasets(&summary.groups);
    if datasets.is_empty() || summary.progress.done == 0 {
        return None;
    }
    let results: [Line; 9] = [
        ("recipe", &|r| r.recipe.clone()),
        ("images learnt from", &|r| count(r.pretrain_images)),
        ("images the probes are fitted on", &|r| {
            count(r.train_images)
        }),
        ("test images", &|r| count(r.test_images)),
        ("epochs", &|r| count(r.epochs)),
        ("images in a batch", &|r| count(r.batch_size)),
        ("optimiser steps", &|r| r.steps.to_string()),
        ("encoder", &|r| format!("ResNet-18, {} stem", r.stem)),
        ("computed by", &|r| r.backend.clone()),
    ];
    let configs: [FromConfig; 4] = [
        ("views", &config::views),
        ("optimiser", &|table| {
            config::section(table, "optimizer", &[])
        }),
        ("schedule", &|table| {
            config::section(
                table,
                "schedule",
                &[
                    "checkpoint_steps",
                    "diagnostics_steps",
                    "epochs",
                    "batch_size",
                ],
            )
        }),
        ("probes", &|table| config::section(table, "probe", &[])),
    ];
    Some(html! {
        p {
            "An encoder is trained without labels, then frozen. Probes are fitted on its features of \
             labelled training images and judged on test images, which nothing else has seen. \
             “Untrained” is the same encoder at its initial weights."
        }
        p {
            "Features come from the encoder with batch norm in evaluation mode, of whole images \
             without augmentation, once. Both classifiers see them standardised by the training \
             images’ mean and deviation, and are fitted by Adam with a rate that falls \
             exponentially: the linear one is multinomial regression, the other a perceptron with \
             one hidden layer, batch norm and rectifiers. k-NN votes by cosine similarity, each neighbour \
             weighted by exp(cosine / temperature)."
        }
        div.scroll tabindex="0" role="region" aria-label="Protocol" {
            table.protocol {
                thead { tr {
                    th scope="col" { "data set" }
                    @for dataset in &datasets { th scope="col" { (names::dataset(dataset)) } }
                } }
                tbody {
                    @for (name, of) in results {
                        (line(name, &datasets.iter().map(|dataset| by_method(summary, dataset, of)).collect::<Vec<_>>(), false))
                    }
                    @for (name, of) in configs {
                        (line(name, &from_configs(content, &datasets, of), true))
                    }
                }
            }
        }
    })
}

/// A row; one cell, if all data sets have the same; none, if nothing is known.
fn line(name: &str, cells: &[String], words: bool) -> Markup {
    let equal = cells.windows(2).all(|pair| pair[0] == pair[1]);
    html! {
        @if cells.iter().any(|cell| cell != "–") {
            tr {
                th scope="row" { (name) }
                @for cell in &cells[..if equal { 1 } else { cells.len() }] {
                    td.words[words] colspan=[(equal && cells.len() > 1).then_some(cells.len())] { (cell) }
                }
            }
        }
    }
}

fn of_dataset<'s, 'a>(
    summary: &'s Summary<'a>,
    dataset: &str,
) -> impl Iterator<Item = (usize, &'s Group<'a>)> {
    summary
        .groups
        .iter()
        .enumerate()
        .filter(move |(_, group)| group.setting.dataset == dataset)
}

/// One value if all methods have it in common.
fn by_method(summary: &Summary, dataset: &str, of: &dyn Fn(&RunResult) -> String) -> String {
    let values = of_dataset(summary, dataset).flat_map(|(_, group)| {
        let method = names::method(group.setting.method);
        group
            .runs
            .iter()
            .map(move |run| (method.to_owned(), of(run.result)))
    });
    shared(&values.collect::<Vec<_>>())
}

fn from_configs(
    content: &Content,
    datasets: &[&str],
    of: &dyn Fn(&toml::Table) -> Option<String>,
) -> Vec<String> {
    let cell = |dataset: &&str| {
        let mut values = Vec::new();
        for (i, group) in of_dataset(content.summary, dataset) {
            let method = names::method(group.setting.method).to_owned();
            let configs = content.configurations.get(i).into_iter().flatten();
            let tables = configs.filter_map(|configuration| configuration.table.as_ref());
            values.extend(tables.filter_map(of).map(|value| (method.clone(), value)));
        }
        shared(&values)
    };
    datasets.iter().map(cell).collect()
}
