"""A small shop: the matrix of most tests."""

SHOP = """
hookflash: 1
business: {name: Lamp Shop, timezone: Europe/Madrid, languages: [en, es]}
hours:
  office: {mon-fri: "09:00-13:00 15:00-18:00"}
  always_on: always
desks: {tickets: {kind: builtin}, crm: {kind: webhook, url: "http://127.0.0.1:9/brief"}}
responders:
  team: {hours: office, desk: crm, line: {chat: team}}
  lead: {hours: office, desk: tickets, line: {chat: lead, voice: "+34911234567"}}
  night: {hours: always_on, desk: tickets, line: {chat: night}}
routes:
  - {name: emergency, when: {trigger: [distress.crisis, distress.red_flag]}, ladder: [{to: night, warm: 30s}]}
  - {name: general, when: {}, ladder: [{to: team, warm: 60s}, {to: lead, cold: 45s}]}
nobody: {desk: tickets, callback: {within: 2h, hours: office}}
"""
