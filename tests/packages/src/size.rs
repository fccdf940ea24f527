//! What a binary weighs as a package.

use std::path::Path;

use anyhow::Context as _;
use tokio::process::Command;

/// As `sam deploy` packs it.
const ZIP: &str = "
import io, sys, zipfile
package = io.BytesIO()
with zipfile.ZipFile(package, 'w', zipfile.ZIP_DEFLATED) as archive:
    archive.write(sys.argv[1], 'bootstrap')
print(len(package.getvalue()))
";

/// The bytes of the package.
///
/// # Errors
/// There is no such binary, or no Python.
pub async fn zipped(binary: &Path) -> anyhow::Result<u64> {
    let output = Command::new("python3").args(["-c", ZIP]).arg(binary).output().await.context("cannot run python3")?;
    anyhow::ensure!(output.status.success(), "{} cannot be packed", binary.display());
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
