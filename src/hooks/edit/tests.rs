use proptest::prelude::*;

use super::*;

const COMMAND: &str = "/usr/bin/spendbar guard hook x";
const HOOK: Hook<'_> = Hook {
    shape: Shape::Grouped,
    events: &["Prompt", "Tool"],
    head: None,
    ending: " guard hook x",
};
const FLAT: Hook<'_> = Hook { shape: Shape::Flat, head: Some("\"version\": 1"), ..HOOK };

/// Adds, checks that adding again changes nothing and that taking out gives the text back.
fn there_and_back(text: &str, hook: &Hook<'_>) -> String {
    let added = add(text, hook, COMMAND).expect(text);
    assert!(is_whole(&added, hook).unwrap(), "{added}");
    assert_eq!(add(&added, hook, COMMAND).as_ref(), Ok(&added));
    assert_eq!(remove(&added, hook).unwrap().as_deref(), Some(text), "{added}");
    added
}

#[test]
fn a_new_file_is_laid_out_and_goes_again() {
    let grouped = add("", &HOOK, COMMAND).unwrap();
    insta::assert_snapshot!(grouped, @r#"
    {
      "hooks": {
        "Prompt": [
          {
            "hooks": [
              {
                "type": "command",
                "command": "/usr/bin/spendbar guard hook x"
              }
            ]
          }
        ],
        "Tool": [
          {
            "hooks": [
              {
                "type": "command",
                "command": "/usr/bin/spendbar guard hook x"
              }
            ]
          }
        ]
      }
    }
    "#);
    let flat = add(" \n", &FLAT, COMMAND).unwrap();
    insta::assert_snapshot!(flat, @r#"
    {
      "version": 1,
      "hooks": {
        "Prompt": [
          {
            "command": "/usr/bin/spendbar guard hook x"
          }
        ],
        "Tool": [
          {
            "command": "/usr/bin/spendbar guard hook x"
          }
        ]
      }
    }
    "#);
    for (text, hook) in [(grouped, HOOK), (flat, FLAT)] {
        assert!(is_whole(&text, &hook).unwrap());
        assert_eq!(add(&text, &hook, COMMAND).as_ref(), Ok(&text));
        assert_eq!(remove(&text, &hook), Ok(None));
    }
}

#[test]
fn everything_else_stays_as_it_is() {
    let text = "{\r\n\t// mine\r\n\t\"model\": \"opus\",\r\n\t\"hooks\": {\r\n\t\t\"Tool\": [\r\n\t\t\t{ \"matcher\": \"Bash\", \"hooks\": [] }\r\n\t\t]\r\n\t}\r\n}";
    insta::assert_snapshot!(there_and_back(text, &HOOK).replace('\r', "␍"), @r#"
    {␍
    	// mine␍
    	"model": "opus",␍
    	"hooks": {␍
    		"Tool": [␍
    			{ "matcher": "Bash", "hooks": [] },␍
    			{␍
    				"hooks": [␍
    					{␍
    						"type": "command",␍
    						"command": "/usr/bin/spendbar guard hook x"␍
    					}␍
    				]␍
    			}␍
    		],␍
    		"Prompt": [␍
    			{␍
    				"hooks": [␍
    					{␍
    						"type": "command",␍
    						"command": "/usr/bin/spendbar guard hook x"␍
    					}␍
    				]␍
    			}␍
    		]␍
    	}␍
    }
    "#);
}

#[test]
fn brackets_that_were_there_stay() {
    for text in [
        "{}",
        "{}\n",
        "{\n}\n",
        "{ }",
        "{\"hooks\":{}}",
        "{\"hooks\": { }}",
        "{\n  \"hooks\": {}\n}\n",
        "{\n  \"hooks\": {\n  }\n}\n",
        "{\n  \"hooks\": {\n    \"Prompt\": []\n  }\n}\n",
        "{\n  \"hooks\": {\n    \"Tool\": [\n    ]\n  }\n}\n",
        "{\"hooks\": {\"Prompt\": [], \"Tool\": []}, \"a\": 1}",
        "{\"a\": 1 // why\n}\n",
        "{\"a\": 1 /* why */, \"hooks\": {\"Stop\": []} /* , */ }",
        "\u{feff}{\"a\": {\"hooks\": 1}}",
    ] {
        there_and_back(text, &HOOK);
        there_and_back(text, &FLAT);
    }
}

#[test]
fn another_path_is_put_right() {
    let old = add("{\"a\": 1}", &HOOK, "/old/spendbar guard hook x").unwrap();
    let new = add(&old, &HOOK, COMMAND).unwrap();
    assert_eq!(command_in(&new, &HOOK).unwrap().as_deref(), Some(COMMAND));
    assert_eq!(new, add("{\"a\": 1}", &HOOK, COMMAND).unwrap());
    assert_eq!(remove(&new, &HOOK).unwrap().as_deref(), Some("{\"a\": 1}"));
}

#[test]
fn a_file_laid_out_anew_loses_only_our_command() {
    let text = r#"{"hooks":{"Prompt":[{"hooks":[{"command":"mine","type":"command"},{"type":"command","command":"/x/spendbar guard hook x"}]}],"Tool":[{"hooks":[{"type":"command","command":"/x/spendbar guard hook x"}]}]},"b":2}"#;
    assert_eq!(
        remove(text, &HOOK).unwrap().as_deref(),
        Some(r#"{"hooks":{"Prompt":[{"hooks":[{"command":"mine","type":"command"}]}]},"b":2}"#)
    );
    let ours = r#"{"a":1, /* kept */ "hooks":{"Tool":[{"hooks":[{"type":"command","command":"spendbar guard hook x"}]}]}}"#;
    assert_eq!(remove(ours, &HOOK).unwrap().as_deref(), Some(r#"{"a":1 /* kept */ }"#));
}

#[test]
fn what_is_not_as_documented_is_refused() {
    let said = |text: &str| add(text, &HOOK, COMMAND).expect_err(text).to_string();
    insta::assert_snapshot!(said("{\"a\": 1,\n}"), @"it is not valid JSON, line 2: a name in double quotes is missing");
    insta::assert_snapshot!(said("[]"), @"the document is a list, not an object");
    insta::assert_snapshot!(said("{\"hooks\": []}"), @"`hooks` is a list, not an object");
    insta::assert_snapshot!(said("{\"hooks\": {\"Tool\": 5}}"), @"`hooks.Tool` is a plain value, not a list");
}

/// Any document: members, names that matter and names that do not, blanks and comments.
fn document() -> impl Strategy<Value = String> {
    let blank = prop_oneof![
        4 => Just(String::new()),
        2 => Just(" ".to_owned()),
        2 => Just("\n  ".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => Just(" /* , ] */ ".to_owned()),
        1 => Just(" // } ,\n".to_owned()),
    ];
    let name = prop_oneof![
        Just("\"hooks\"".to_owned()),
        Just("\"Prompt\"".to_owned()),
        Just("\"Tool\"".to_owned()),
        Just("\"command\"".to_owned()),
        Just("\"\\u0068ooks\"".to_owned()),
        "\"[a-c]\"",
    ];
    let leaf = prop_oneof![
        Just("1.50".to_owned()),
        Just("\"t, ]}\"".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
    ];
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        let padded = (blank.clone(), inner, blank.clone())
            .prop_map(|(before, value, behind)| format!("{before}{value}{behind}"));
        let list = proptest::collection::vec(padded.clone(), 1..4)
            .prop_map(|list| format!("[{}]", list.join(",")));
        let member = (blank.clone(), name.clone(), padded)
            .prop_map(|(before, name, value)| format!("{before}{name}:{value}"));
        let object = proptest::collection::vec(member, 1..4)
            .prop_map(|members| format!("{{{}}}", members.join(",")));
        let empty = blank.clone().prop_map(|blank| format!("{{{blank}}}"));
        let none = blank.clone().prop_map(|blank| format!("[{blank}]"));
        prop_oneof![1 => list, 4 => object, 1 => empty, 1 => none]
    });
    (value, prop_oneof![Just(""), Just("\n"), Just("\n\n")])
        .prop_map(|(value, end)| format!("{value}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn adding_and_taking_out_is_as_if_nothing_had_been(text in document(), flat in any::<bool>()) {
        let hook = if flat { &FLAT } else { &HOOK };
        if let Ok(added) = add(&text, hook, COMMAND) {
            prop_assert!(is_whole(&added, hook).unwrap(), "{}", added);
            prop_assert_eq!(add(&added, hook, COMMAND).unwrap(), added.clone());
            prop_assert_eq!(remove(&added, hook).unwrap(), Some(text), "{}", added);
        }
    }

    #[test]
    fn any_text_is_changed_or_refused(text in ".{0,80}") {
        let _ = add(&text, &HOOK, COMMAND);
        let _ = remove(&text, &HOOK);
    }
}
