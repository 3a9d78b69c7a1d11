//! Generates the client from `openapi.json`, the suite's OpenAPI document.

use progenitor::{GenerationSettings, Generator, InterfaceStyle, TypeImpl};
use std::{env, error::Error, fs, path::Path};

const DOCUMENT: &str = "openapi.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={DOCUMENT}");
    let document = serde_json::from_str(&fs::read_to_string(DOCUMENT)?)?;
    let mut settings = GenerationSettings::default();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_inner_type(quote::quote! { crate::Connection })
        // We replace the document's `Password` by a type of ours, so that nobody prints a secret by accident.
        .with_replacement("Password", "crate::Password", std::iter::empty::<TypeImpl>());
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    let source = prettyplease::unparse(&syn::parse2(tokens)?);
    fs::write(Path::new(&env::var("OUT_DIR")?).join("generated.rs"), source)?;
    Ok(())
}
