//! The list of packages of a program as CycloneDX 1.6 (ECMA-424): names, versions, hashes, licences, and what needs what.
//!
//! It has no time and no random number, so that the same sources give the same file.

use super::{Metadata, Name, Package};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The list for one of the workspace's packages: all that it is built with and made of, and nothing that only its tests need.
pub(super) fn of(
    program: &str,
    metadata: &Metadata,
    checksums: &BTreeMap<Name, String>,
) -> Result<Value> {
    let packages: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package))
        .collect();
    let root = metadata
        .packages
        .iter()
        .find(|package| package.name == program && package.source.is_none())
        .with_context(|| format!("there is no package {program}"))?;
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let needs: BTreeMap<&str, BTreeSet<&str>> = nodes
        .map(|node| {
            let used = node.deps.iter().filter(|dependency| {
                dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind.as_deref() != Some("dev"))
            });
            (node.id.as_str(), used.map(|it| it.pkg.as_str()).collect())
        })
        .collect();
    let mut reached = BTreeSet::new();
    let mut open = vec![root.id.as_str()];
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(needs.get(id).into_iter().flatten());
        }
    }
    let named = |id: &str| packages.get(id).map(|package| reference(package));
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for id in &reached {
        let package = packages
            .get(id)
            .with_context(|| format!("{id} is not described"))?;
        let below: BTreeSet<String> = needs
            .get(id)
            .into_iter()
            .flatten()
            .filter_map(|id| named(id))
            .collect();
        dependencies.push(json!({ "ref": reference(package), "dependsOn": below }));
        if package.id != root.id {
            components.push(component(package, "library", checksums));
        }
    }
    let by_reference = |value: &Value, key: &str| value[key].as_str().unwrap_or("").to_owned();
    components.sort_by_key(|component| by_reference(component, "bom-ref"));
    dependencies.sort_by_key(|dependency| by_reference(dependency, "ref"));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "cargo xtask sbom" }] },
            "component": component(root, "application", checksums),
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// A package's name among all (package URL).
fn reference(package: &Package) -> String {
    // A plus sign of a version stands for itself nowhere in an address.
    let version = package.version.replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", package.name)
}

fn component(package: &Package, kind: &str, checksums: &BTreeMap<Name, String>) -> Value {
    let mut made = json!({
        "type": kind,
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "purl": reference(package),
    });
    if let Some(description) = &package.description {
        made["description"] = description
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .into();
    }
    if let Some(license) = &package.license {
        // The older form of OR is no expression of SPDX.
        let parts: Vec<&str> = license.split('/').map(str::trim).collect();
        made["licenses"] = json!([{ "expression": parts.join(" OR ") }]);
    }
    let name = (package.name.clone(), package.version.clone());
    if let Some(checksum) = checksums.get(&name) {
        made["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(repository) = &package.repository {
        made["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    made
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        serde_json::from_value(json!({
            "packages": [
                { "name": "ours", "version": "0.1.0", "id": "ours", "source": null, "license": "MIT OR Apache-2.0" },
                { "name": "used", "version": "1.0.0+two", "id": "used", "source": "registry", "license": "MIT/Apache-2.0",
                  "description": "Does\n  things" },
                { "name": "below", "version": "2.0.0", "id": "below", "source": "registry", "license": "ISC",
                  "repository": "https://example.org/below" },
                { "name": "builds", "version": "3.0.0", "id": "builds", "source": "registry", "license": "MIT" },
                { "name": "tests", "version": "4.0.0", "id": "tests", "source": "registry", "license": "MIT" }
            ],
            "resolve": { "nodes": [
                { "id": "ours", "deps": [
                    { "pkg": "used", "dep_kinds": [{ "kind": null }, { "kind": "dev" }] },
                    { "pkg": "builds", "dep_kinds": [{ "kind": "build" }] },
                    { "pkg": "tests", "dep_kinds": [{ "kind": "dev" }] }] },
                { "id": "used", "deps": [{ "pkg": "below", "dep_kinds": [{ "kind": null }] }] },
                { "id": "below", "deps": [] }, { "id": "builds", "deps": [] },
                { "id": "tests", "deps": [] }
            ] }
        }))
        .unwrap()
    }

    #[test]
    fn t25_the_list_names_all_that_a_program_is_made_of_and_nothing_else() {
        let sum = "ab".repeat(32);
        let checksums = [(("below".to_owned(), "2.0.0".to_owned()), sum.clone())].into();
        let bill = of("ours", &metadata(), &checksums).unwrap();
        assert_eq!(
            (&bill["bomFormat"], &bill["specVersion"]),
            (&json!("CycloneDX"), &json!("1.6"))
        );
        assert_eq!(
            bill["metadata"]["component"]["purl"],
            "pkg:cargo/ours@0.1.0"
        );
        let purls: Vec<&str> = bill["components"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it["purl"].as_str())
            .collect();
        assert_eq!(
            purls,
            [
                "pkg:cargo/below@2.0.0",
                "pkg:cargo/builds@3.0.0",
                "pkg:cargo/used@1.0.0%2Btwo"
            ]
        );
        assert_eq!(
            bill["components"][0],
            json!({
                "type": "library", "bom-ref": purls[0], "name": "below", "version": "2.0.0", "purl": purls[0],
                "licenses": [{ "expression": "ISC" }], "hashes": [{ "alg": "SHA-256", "content": sum }],
                "externalReferences": [{ "type": "vcs", "url": "https://example.org/below" }],
            })
        );
        assert_eq!(
            bill["components"][2]["licenses"],
            json!([{ "expression": "MIT OR Apache-2.0" }])
        );
        assert_eq!(bill["components"][2]["description"], "Does things");
        assert_eq!(
            bill["dependencies"],
            json!([
                { "ref": purls[0], "dependsOn": [] },
                { "ref": purls[1], "dependsOn": [] },
                { "ref": "pkg:cargo/ours@0.1.0", "dependsOn": [purls[1], purls[2]] },
                { "ref": purls[2], "dependsOn": [purls[0]] },
            ])
        );
        assert!(of("none", &metadata(), &checksums).is_err());
    }
}
