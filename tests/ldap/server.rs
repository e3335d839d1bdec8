//! OpenLDAP's `slapd` on free ports of this machine, with the trees of `plain.ldif` and `sun.ldif`.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The name and password that may search.
pub(crate) const READER: (&str, &str) = ("cn=reader,dc=plain,dc=test", "reader's secret");

/// A program, where Debian puts it or on the search path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A running directory; it ends with this value.
pub(crate) struct Slapd {
    program: PathBuf,
    folder: tempfile::TempDir,
    child: Option<Child>,
    pub(crate) plain_port: u16,
    pub(crate) tls_port: u16,
}

impl Slapd {
    /// Loads both trees into a fresh folder and starts.
    pub(crate) fn start(program: PathBuf) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("wcapd-slapd-")
            .tempdir()
            .unwrap();
        let mut slapd = Self {
            program,
            folder,
            child: None,
            plain_port: free_port(),
            tls_port: free_port(),
        };
        slapd.set_up();
        slapd.run();
        slapd
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate of its authority, PEM.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    fn set_up(&self) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.authority(), own.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), own.signing_key.serialize_pem()).unwrap();
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ldap/sun.schema");
        let mut conf = String::new();
        for name in ["core", "cosine", "inetorgperson", "nis", "dyngroup"] {
            conf.push_str(&format!("include /etc/ldap/schema/{name}.schema\n"));
        }
        conf.push_str(&format!(
            "include {}\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\nallow bind_anon_cred\n\
             TLSCertificateFile {}\nTLSCertificateKeyFile {}\nidletimeout 0\n",
            schema.display(),
            self.authority().display(),
            self.path("key.pem").display()
        ));
        for (suffix, name) in [("dc=plain,dc=test", "plain"), ("o=sun", "sun")] {
            fs::create_dir(self.path(name)).unwrap();
            conf.push_str(&format!(
                "database mdb\nsuffix \"{suffix}\"\nrootdn \"cn=reader,{suffix}\"\nrootpw \"{}\"\n\
                 directory {}\nmaxsize 16777216\n",
                READER.1,
                self.path(name).display()
            ));
            if name == "plain" {
                conf.push_str("access to attrs=userPassword by anonymous auth by * none\naccess to * by * read\n");
            }
        }
        fs::write(self.path("slapd.conf"), conf).unwrap();
        let mut trees = Vec::new();
        for tree in ["plain", "sun"] {
            let ldif =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/ldap/{tree}.ldif"));
            trees.push((tree, fs::read_to_string(ldif).unwrap()));
        }
        trees[0].1.push_str(&big_group(60));
        for (at, (name, ldif)) in trees.into_iter().enumerate() {
            let file = self.path(&format!("{name}.ldif"));
            fs::write(&file, ldif).unwrap();
            // `slapd` itself is `slapadd` under that name.
            let added = Command::new(program("slapadd").expect("it comes with slapd"))
                .arg("-f")
                .arg(self.path("slapd.conf"))
                .args(["-n", &(at + 1).to_string(), "-l"])
                .arg(&file)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&added.stderr).into_owned();
            assert!(added.status.success(), "slapadd: {said}");
        }
    }

    /// Starts it, also after [`Slapd::stop`], on the same ports.
    pub(crate) fn run(&mut self) {
        let urls = format!(
            "ldap://127.0.0.1:{} ldaps://127.0.0.1:{}",
            self.plain_port, self.tls_port
        );
        let child = Command::new(&self.program)
            .args(["-h", &urls, "-d", "0", "-f"])
            .arg(self.path("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let plain_port = self.plain_port;
        until("slapd answers", || {
            std::net::TcpStream::connect(("127.0.0.1", plain_port)).is_ok()
        });
    }

    /// Ends it; its data stay.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A group of that many people.
fn big_group(people: usize) -> String {
    let mut ldif = String::new();
    for number in 0..people {
        ldif.push_str(&format!(
            "\ndn: uid=many{number},ou=people,dc=plain,dc=test\nobjectClass: inetOrgPerson\n\
             uid: many{number}\ncn: Many {number}\nsn: Many\nmail: many{number}@plain.test\n"
        ));
    }
    ldif.push_str(
        "\ndn: cn=many,ou=groups,dc=plain,dc=test\nobjectClass: groupOfNames\ncn: many\n",
    );
    for number in 0..people {
        ldif.push_str(&format!(
            "member: uid=many{number},ou=people,dc=plain,dc=test\n"
        ));
    }
    ldif
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until `holds`, looking now and then.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
