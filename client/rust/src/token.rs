use std::{env, fmt, fs, future::Future, path::PathBuf, pin::Pin, sync::Arc};

type Asked = Pin<Box<dyn Future<Output = std::result::Result<String, String>> + Send>>;

/// The bearer token that proves who calls, or how to get one. It is asked for at each call.
#[derive(Clone)]
pub struct Token(Arc<dyn Fn() -> Asked + Send + Sync>);

impl Token {
    /// Always this one.
    pub fn fixed(token: impl Into<String>) -> Self {
        let token = token.into();
        Self::from_fn(move || std::future::ready(Ok(token.clone())))
    }

    /// That of a file, read anew for each call, since mounted tokens rotate.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::from_fn(move || std::future::ready(read(&path)))
    }

    /// That of an environment variable, read anew for each call.
    pub fn variable(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::from_fn(move || {
            std::future::ready(env::var(&name).map_err(|_| format!("The variable {name} holds no token.")))
        })
    }

    /// What a function answers: an ID token of the metadata server, an Entra token, a workflow's own. An `Err` says, in a
    /// sentence without a secret, why there is none.
    pub fn from_fn<F, Answer>(ask: F) -> Self
    where
        F: Fn() -> Answer + Send + Sync + 'static,
        Answer: Future<Output = std::result::Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    pub(crate) async fn get(&self) -> std::result::Result<String, String> {
        let token = (self.0)().await?;
        match token.trim() {
            "" => Err("The token is empty.".to_owned()),
            trimmed => Ok(trimmed.to_owned()),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token([redacted])")
    }
}

fn read(path: &PathBuf) -> std::result::Result<String, String> {
    fs::read_to_string(path).map_err(|_| format!("The file {} holds no token.", path.display()))
}
