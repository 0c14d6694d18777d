PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE event_data (
	data_id INTEGER NOT NULL, 
	hash BIGINT, 
	shared_data TEXT, 
	PRIMARY KEY (data_id)
);
INSERT INTO event_data VALUES(1,2514025343,'{"domain":"recorder","service":"purge"}');
INSERT INTO event_data VALUES(2,2001541813,'{"domain":"recorder","service":"purge_entities"}');
INSERT INTO event_data VALUES(3,616907209,'{"domain":"recorder","service":"enable"}');
INSERT INTO event_data VALUES(4,3478486156,'{"domain":"recorder","service":"disable"}');
INSERT INTO event_data VALUES(5,2705000516,'{"component":"recorder"}');
INSERT INTO event_data VALUES(6,3631116045,'{"domain":"scene","service":"reload"}');
INSERT INTO event_data VALUES(7,869342746,'{"domain":"scene","service":"apply"}');
INSERT INTO event_data VALUES(8,2021271752,'{"domain":"scene","service":"create"}');
INSERT INTO event_data VALUES(9,2211516039,'{"domain":"scene","service":"delete"}');
INSERT INTO event_data VALUES(10,2845940439,'{"domain":"scene","service":"turn_on"}');
INSERT INTO event_data VALUES(11,2646594008,'{"component":"scene"}');
INSERT INTO event_data VALUES(12,1259212381,'{"component":"trace"}');
INSERT INTO event_data VALUES(13,2704727552,'{"component":"system_health"}');
INSERT INTO event_data VALUES(14,3773317143,'{"component":"blueprint"}');
INSERT INTO event_data VALUES(15,4242656593,'{"domain":"automation","service":"trigger"}');
INSERT INTO event_data VALUES(16,3188840457,'{"domain":"automation","service":"toggle"}');
INSERT INTO event_data VALUES(17,3248484128,'{"domain":"automation","service":"turn_on"}');
INSERT INTO event_data VALUES(18,433107492,'{"domain":"automation","service":"turn_off"}');
INSERT INTO event_data VALUES(19,3690074268,'{"domain":"automation","service":"reload"}');
INSERT INTO event_data VALUES(20,2773102545,'{"component":"automation"}');
INSERT INTO event_data VALUES(21,1599003832,'{"domain":"script","service":"reload"}');
INSERT INTO event_data VALUES(22,3279812804,'{"domain":"script","service":"turn_on"}');
INSERT INTO event_data VALUES(23,4250707624,'{"domain":"script","service":"turn_off"}');
INSERT INTO event_data VALUES(24,1253717125,'{"domain":"script","service":"toggle"}');
INSERT INTO event_data VALUES(25,1924649457,'{"component":"script"}');
INSERT INTO event_data VALUES(26,1518180005,'{"domain":"input_number","service":"reload"}');
INSERT INTO event_data VALUES(27,2710060752,'{"domain":"input_number","service":"set_value"}');
INSERT INTO event_data VALUES(28,1450783035,'{"domain":"input_number","service":"increment"}');
INSERT INTO event_data VALUES(29,2237564263,'{"domain":"input_number","service":"decrement"}');
INSERT INTO event_data VALUES(30,4264393826,'{"component":"input_number"}');
INSERT INTO event_data VALUES(31,725722331,'{"domain":"zone","service":"reload"}');
INSERT INTO event_data VALUES(32,619329496,'{"component":"zone"}');
INSERT INTO event_data VALUES(33,2395326086,'{"domain":"backup","service":"create"}');
INSERT INTO event_data VALUES(34,1856420342,'{"domain":"backup","service":"create_automatic"}');
INSERT INTO event_data VALUES(35,2277516448,'{"component":"backup"}');
INSERT INTO event_data VALUES(36,591608419,'{"domain":"counter","service":"increment"}');
INSERT INTO event_data VALUES(37,2860470575,'{"domain":"counter","service":"decrement"}');
INSERT INTO event_data VALUES(38,1677981849,'{"domain":"counter","service":"reset"}');
INSERT INTO event_data VALUES(39,1379684600,'{"domain":"counter","service":"set_value"}');
INSERT INTO event_data VALUES(40,43091668,'{"component":"counter"}');
INSERT INTO event_data VALUES(41,1748659752,'{"component":"analytics"}');
INSERT INTO event_data VALUES(42,3365051062,'{"domain":"input_button","service":"reload"}');
INSERT INTO event_data VALUES(43,1004234332,'{"domain":"input_button","service":"press"}');
INSERT INTO event_data VALUES(44,3453032747,'{"component":"input_button"}');
INSERT INTO event_data VALUES(45,1546459558,'{"domain":"input_select","service":"reload"}');
INSERT INTO event_data VALUES(46,2054744402,'{"domain":"input_select","service":"select_first"}');
INSERT INTO event_data VALUES(47,3671353774,'{"domain":"input_select","service":"select_last"}');
INSERT INTO event_data VALUES(48,3199342027,'{"domain":"input_select","service":"select_next"}');
INSERT INTO event_data VALUES(49,2730018399,'{"domain":"input_select","service":"select_option"}');
INSERT INTO event_data VALUES(50,4025210151,'{"domain":"input_select","service":"select_previous"}');
INSERT INTO event_data VALUES(51,3101655370,'{"domain":"input_select","service":"set_options"}');
INSERT INTO event_data VALUES(52,4151474531,'{"component":"input_select"}');
INSERT INTO event_data VALUES(53,3367493136,'{"domain":"input_boolean","service":"reload"}');
INSERT INTO event_data VALUES(54,3226792524,'{"domain":"input_boolean","service":"turn_on"}');
INSERT INTO event_data VALUES(55,3653924816,'{"domain":"input_boolean","service":"turn_off"}');
INSERT INTO event_data VALUES(56,4088370941,'{"domain":"input_boolean","service":"toggle"}');
INSERT INTO event_data VALUES(57,948790003,'{"component":"input_boolean"}');
INSERT INTO event_data VALUES(58,3484439787,'{"domain":"input_text","service":"reload"}');
INSERT INTO event_data VALUES(59,3576705670,'{"domain":"input_text","service":"set_value"}');
INSERT INTO event_data VALUES(60,2676231888,'{"component":"input_text"}');
INSERT INTO event_data VALUES(61,829043753,'{"domain":"input_datetime","service":"reload"}');
INSERT INTO event_data VALUES(62,1023638304,'{"domain":"input_datetime","service":"set_datetime"}');
INSERT INTO event_data VALUES(63,4027130786,'{"component":"input_datetime"}');
INSERT INTO event_data VALUES(64,1793896326,'{"component":"hardware"}');
INSERT INTO event_data VALUES(65,2071222324,'{"component":"sensor"}');
INSERT INTO event_data VALUES(66,1103125691,'{"domain":"template","service":"reload"}');
INSERT INTO event_data VALUES(67,241583320,'{"component":"template"}');
INSERT INTO event_data VALUES(68,2402775754,'{"action":"create","entity_id":"sensor.kitchen_power"}');
INSERT INTO event_data VALUES(69,2994582857,'{"action":"create","entity_id":"sensor.frient_energy"}');
INSERT INTO event_data VALUES(70,3456483059,'{"component":"application_credentials"}');
INSERT INTO event_data VALUES(71,2876468334,'{"domain":"timer","service":"reload"}');
INSERT INTO event_data VALUES(72,2785260583,'{"domain":"timer","service":"start"}');
INSERT INTO event_data VALUES(73,742347157,'{"domain":"timer","service":"pause"}');
INSERT INTO event_data VALUES(74,3542925177,'{"domain":"timer","service":"cancel"}');
INSERT INTO event_data VALUES(75,3447128136,'{"domain":"timer","service":"finish"}');
INSERT INTO event_data VALUES(76,3921827003,'{"domain":"timer","service":"change"}');
INSERT INTO event_data VALUES(77,3673203109,'{"component":"timer"}');
INSERT INTO event_data VALUES(78,3505369264,'{"component":"tag"}');
INSERT INTO event_data VALUES(79,2197043754,'{"domain":"schedule","service":"reload"}');
INSERT INTO event_data VALUES(80,428151051,'{"domain":"schedule","service":"get_schedule"}');
INSERT INTO event_data VALUES(81,1492035283,'{"component":"schedule"}');
INSERT INTO event_data VALUES(82,2846551294,'{"user_id":"6bb06e5a3ca448a58731080c68596a0a"}');
INSERT INTO event_data VALUES(83,1910756734,'{"action":"create","entity_id":"person.old_owner"}');
INSERT INTO event_data VALUES(84,4105523001,'{"action":"create","area_id":"living_room"}');
INSERT INTO event_data VALUES(85,215776840,'{"action":"create","area_id":"kitchen"}');
INSERT INTO event_data VALUES(86,735507092,'{"action":"create","area_id":"bedroom"}');
INSERT INTO event_data VALUES(87,3886313380,'{"domain":"shopping_list","service":"add_item"}');
INSERT INTO event_data VALUES(88,1472147781,'{"domain":"shopping_list","service":"remove_item"}');
INSERT INTO event_data VALUES(89,2809976628,'{"domain":"shopping_list","service":"complete_item"}');
INSERT INTO event_data VALUES(90,497485769,'{"domain":"shopping_list","service":"incomplete_item"}');
INSERT INTO event_data VALUES(91,1635652308,'{"domain":"shopping_list","service":"complete_all"}');
INSERT INTO event_data VALUES(92,2225342143,'{"domain":"shopping_list","service":"incomplete_all"}');
INSERT INTO event_data VALUES(93,2532325663,'{"domain":"shopping_list","service":"clear_completed_items"}');
INSERT INTO event_data VALUES(94,3861125991,'{"domain":"shopping_list","service":"sort"}');
INSERT INTO event_data VALUES(95,2466935015,'{"domain":"todo","service":"add_item"}');
INSERT INTO event_data VALUES(96,3573615671,'{"domain":"todo","service":"update_item"}');
INSERT INTO event_data VALUES(97,364507072,'{"domain":"todo","service":"remove_item"}');
INSERT INTO event_data VALUES(98,3995971965,'{"domain":"todo","service":"get_items"}');
INSERT INTO event_data VALUES(99,603309113,'{"domain":"todo","service":"remove_completed_items"}');
INSERT INTO event_data VALUES(100,3699951782,'{"component":"todo"}');
INSERT INTO event_data VALUES(101,2997702267,'{"action":"create","entity_id":"todo.shopping_list"}');
INSERT INTO event_data VALUES(102,1496424633,'{"component":"shopping_list"}');
INSERT INTO event_data VALUES(103,1983427576,'{"component":"google_translate"}');
INSERT INTO event_data VALUES(104,3511909946,'{"user_id":"7fe9a0ecd8634b8ba26d02fd2e4b977b"}');
INSERT INTO event_data VALUES(105,2818420219,'{"domain":"mqtt","service":"publish"}');
INSERT INTO event_data VALUES(106,2847514412,'{"domain":"mqtt","service":"dump"}');
INSERT INTO event_data VALUES(107,2659395408,'{"component":"mqtt"}');
CREATE TABLE event_types (
	event_type_id INTEGER NOT NULL, 
	event_type VARCHAR(64), 
	PRIMARY KEY (event_type_id)
);
INSERT INTO event_types VALUES(1,'service_registered');
INSERT INTO event_types VALUES(2,'component_loaded');
INSERT INTO event_types VALUES(3,'entity_registry_updated');
INSERT INTO event_types VALUES(4,'core_config_updated');
INSERT INTO event_types VALUES(5,'homeassistant_start');
INSERT INTO event_types VALUES(6,'homeassistant_started');
INSERT INTO event_types VALUES(7,'user_added');
INSERT INTO event_types VALUES(8,'area_registry_updated');
INSERT INTO event_types VALUES(9,'panels_updated');
INSERT INTO event_types VALUES(10,'homeassistant_stop');
CREATE TABLE state_attributes (
	attributes_id INTEGER NOT NULL, 
	hash BIGINT, 
	shared_attrs TEXT, 
	PRIMARY KEY (attributes_id)
);
INSERT INTO state_attributes VALUES(1,86154279,'{"latitude":51.9,"longitude":-8.5,"radius":100,"passive":false,"persons":[],"editable":true,"icon":"mdi:home","friendly_name":"Old home"}');
INSERT INTO state_attributes VALUES(2,2279758345,'{"state_class":"measurement","unit_of_measurement":"W","device_class":"power","friendly_name":"Kitchen power"}');
INSERT INTO state_attributes VALUES(3,2901648940,'{"state_class":"total_increasing","unit_of_measurement":"kWh","device_class":"energy","friendly_name":"Frient energy"}');
INSERT INTO state_attributes VALUES(4,937064729,'{"editable":true,"id":"old_owner","user_id":"6bb06e5a3ca448a58731080c68596a0a","friendly_name":"Old Owner"}');
INSERT INTO state_attributes VALUES(5,185479183,'{"unit_of_measurement":"W","device_class":"power","state_class":"measurement","friendly_name":"Raw power"}');
INSERT INTO state_attributes VALUES(6,974195272,'{"unit_of_measurement":"kWh","device_class":"energy","state_class":"total_increasing","friendly_name":"Raw energy"}');
INSERT INTO state_attributes VALUES(7,249478696,'{"friendly_name":"Shopping List"}');
INSERT INTO state_attributes VALUES(8,2904382739,'{"state_class":"measurement","device_class":"power","friendly_name":"Instantaneous demand","unit_of_measurement":"W"}');
CREATE TABLE states_meta (
	metadata_id INTEGER NOT NULL, 
	entity_id VARCHAR(255), 
	PRIMARY KEY (metadata_id)
);
INSERT INTO states_meta VALUES(1,'zone.home');
INSERT INTO states_meta VALUES(2,'sensor.kitchen_power');
INSERT INTO states_meta VALUES(3,'sensor.frient_energy');
INSERT INTO states_meta VALUES(4,'person.old_owner');
INSERT INTO states_meta VALUES(5,'sensor.raw_power');
INSERT INTO states_meta VALUES(6,'sensor.raw_energy');
INSERT INTO states_meta VALUES(7,'todo.shopping_list');
INSERT INTO states_meta VALUES(8,'sensor.frient_power');
CREATE TABLE statistics_meta (
	id INTEGER NOT NULL, 
	statistic_id VARCHAR(255), 
	source VARCHAR(32), 
	unit_of_measurement VARCHAR(255), 
	has_mean BOOLEAN, 
	has_sum BOOLEAN, 
	name VARCHAR(255), 
	PRIMARY KEY (id)
);
CREATE TABLE recorder_runs (
	run_id INTEGER NOT NULL, 
	start DATETIME NOT NULL, 
	"end" DATETIME, 
	closed_incorrect BOOLEAN NOT NULL, 
	created DATETIME NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO recorder_runs VALUES(1,'2026-11-27 07:35:23.642956','2026-11-27 07:36:18.601976',0,'2026-11-27 07:35:23.739155');
INSERT INTO recorder_runs VALUES(2,'2026-11-27 07:37:25.531809','2026-11-27 07:37:37.721385',0,'2026-11-27 07:37:25.591164');
CREATE TABLE migration_changes (
	migration_id VARCHAR(255) NOT NULL, 
	version SMALLINT NOT NULL, 
	PRIMARY KEY (migration_id)
);
CREATE TABLE schema_changes (
	change_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	changed DATETIME NOT NULL, 
	PRIMARY KEY (change_id)
);
INSERT INTO schema_changes VALUES(1,48,'2026-11-27 07:35:23.725552');
CREATE TABLE statistics_runs (
	run_id INTEGER NOT NULL, 
	start DATETIME NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO statistics_runs VALUES(1,'2026-11-27 07:30:00.000000');
CREATE TABLE events (
	event_id INTEGER NOT NULL, 
	event_type CHAR(0), 
	event_data CHAR(0), 
	origin CHAR(0), 
	origin_idx SMALLINT, 
	time_fired CHAR(0), 
	time_fired_ts FLOAT, 
	context_id CHAR(0), 
	context_user_id CHAR(0), 
	context_parent_id CHAR(0), 
	data_id INTEGER, 
	context_id_bin BLOB, 
	context_user_id_bin BLOB, 
	context_parent_id_bin BLOB, 
	event_type_id INTEGER, 
	PRIMARY KEY (event_id), 
	FOREIGN KEY(data_id) REFERENCES event_data (data_id), 
	FOREIGN KEY(event_type_id) REFERENCES event_types (event_type_id)
);
CREATE TABLE states (
	state_id INTEGER NOT NULL, 
	entity_id CHAR(0), 
	state VARCHAR(255), 
	attributes CHAR(0), 
	event_id SMALLINT, 
	last_changed CHAR(0), 
	last_changed_ts FLOAT, 
	last_reported_ts FLOAT, 
	last_updated CHAR(0), 
	last_updated_ts FLOAT, 
	old_state_id INTEGER, 
	attributes_id INTEGER, 
	context_id CHAR(0), 
	context_user_id CHAR(0), 
	context_parent_id CHAR(0), 
	origin_idx SMALLINT, 
	context_id_bin BLOB, 
	context_user_id_bin BLOB, 
	context_parent_id_bin BLOB, 
	metadata_id INTEGER, 
	PRIMARY KEY (state_id), 
	FOREIGN KEY(old_state_id) REFERENCES states (state_id), 
	FOREIGN KEY(attributes_id) REFERENCES state_attributes (attributes_id), 
	FOREIGN KEY(metadata_id) REFERENCES states_meta (metadata_id)
);
INSERT INTO states VALUES(1,NULL,'0',NULL,NULL,NULL,NULL,NULL,NULL,1795764923.8294141292,NULL,1,NULL,NULL,NULL,0,X'01a21bee2db57a39d24a5bdf57cfa809',NULL,NULL,1);
INSERT INTO states VALUES(2,NULL,'unknown',NULL,NULL,NULL,NULL,1795764924.819404602,NULL,1795764924.819404602,NULL,2,NULL,NULL,NULL,0,X'01a21bee3193a6529921146022a81de0',NULL,NULL,2);
INSERT INTO states VALUES(3,NULL,'unknown',NULL,NULL,NULL,NULL,1795764924.8198645114,NULL,1795764924.8198645114,NULL,3,NULL,NULL,NULL,0,X'01a21bee3193653573284e6e01a52075',NULL,NULL,3);
INSERT INTO states VALUES(4,NULL,'0',NULL,NULL,NULL,NULL,1795764924.8917152882,NULL,1795764924.8917152882,2,2,NULL,NULL,NULL,0,X'01a21bee31dbe3b56731d527ab525887',NULL,NULL,2);
INSERT INTO states VALUES(5,NULL,'1000',NULL,NULL,NULL,NULL,1795764924.8922877311,NULL,1795764924.8922877311,3,3,NULL,NULL,NULL,0,X'01a21bee31dc74a3b67589014430b071',NULL,NULL,3);
INSERT INTO states VALUES(6,NULL,'unknown',NULL,NULL,NULL,NULL,1795764957.7644548416,NULL,1795764957.7641041278,NULL,4,NULL,NULL,NULL,0,X'01a21beeb244e4e50a6a2e38c69e1275',NULL,NULL,4);
INSERT INTO states VALUES(7,NULL,'300',NULL,NULL,NULL,NULL,1795764958.1206150055,NULL,1795764958.1206150055,NULL,5,NULL,NULL,NULL,0,X'01a21beeb3a8d07885c9202ac5ec8e4a',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(8,NULL,'300.0',NULL,NULL,NULL,NULL,1795764958.1223406791,NULL,1795764958.1223406791,4,2,NULL,NULL,NULL,0,X'01a21beeb3a8d07885c9202ac5ec8e4a',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(9,NULL,'1000.0',NULL,NULL,NULL,NULL,1795764958.2415688037,NULL,1795764958.2415688037,NULL,6,NULL,NULL,NULL,0,X'01a21beeb421b7b94ea42716c8db5261',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(10,NULL,'0',NULL,NULL,NULL,NULL,NULL,NULL,1795764958.3177292347,NULL,7,NULL,NULL,NULL,0,X'01a21beeb46dcc63b68bbc715f8ed611',NULL,NULL,7);
INSERT INTO states VALUES(11,NULL,'301',NULL,NULL,NULL,NULL,1795764958.4792478084,NULL,1795764958.4792478084,7,5,NULL,NULL,NULL,0,X'01a21beeb50fc388647a1522ec75b0c4',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(12,NULL,'301.0',NULL,NULL,NULL,NULL,1795764958.4819724559,NULL,1795764958.4819724559,8,2,NULL,NULL,NULL,0,X'01a21beeb50fc388647a1522ec75b0c4',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(13,NULL,'1000.1',NULL,NULL,NULL,NULL,1795764958.489875555,NULL,1795764958.489875555,9,6,NULL,NULL,NULL,0,X'01a21beeb5198664fc876fb7936803be',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(14,NULL,'1000.1',NULL,NULL,NULL,NULL,1795764958.4911384582,NULL,1795764958.4911384582,5,3,NULL,NULL,NULL,0,X'01a21beeb5198664fc876fb7936803be',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(15,NULL,'302',NULL,NULL,NULL,NULL,1795764958.6992084979,NULL,1795764958.6992084979,11,5,NULL,NULL,NULL,0,X'01a21beeb5eb71a507cd62900e08c5ca',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(16,NULL,'302.0',NULL,NULL,NULL,NULL,1795764958.7017505168,NULL,1795764958.7017505168,12,2,NULL,NULL,NULL,0,X'01a21beeb5eb71a507cd62900e08c5ca',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(17,NULL,'1000.2',NULL,NULL,NULL,NULL,1795764958.7059533595,NULL,1795764958.7059533595,13,6,NULL,NULL,NULL,0,X'01a21beeb5f10989536d05698ff1de41',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(18,NULL,'1000.2',NULL,NULL,NULL,NULL,1795764958.7106964588,NULL,1795764958.7106964588,14,3,NULL,NULL,NULL,0,X'01a21beeb5f10989536d05698ff1de41',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(19,NULL,'303',NULL,NULL,NULL,NULL,1795764958.9151110649,NULL,1795764958.9151110649,15,5,NULL,NULL,NULL,0,X'01a21beeb6c3b665a5b4ed166c827e6f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(20,NULL,'303.0',NULL,NULL,NULL,NULL,1795764958.9160573482,NULL,1795764958.9160573482,16,2,NULL,NULL,NULL,0,X'01a21beeb6c3b665a5b4ed166c827e6f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(21,NULL,'1000.3',NULL,NULL,NULL,NULL,1795764958.9216909407,NULL,1795764958.9216909407,17,6,NULL,NULL,NULL,0,X'01a21beeb6c942f0164abf78dbcd81a1',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(22,NULL,'1000.3',NULL,NULL,NULL,NULL,1795764958.9234719276,NULL,1795764958.9234719276,18,3,NULL,NULL,NULL,0,X'01a21beeb6c942f0164abf78dbcd81a1',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(23,NULL,'304',NULL,NULL,NULL,NULL,1795764959.1276736259,NULL,1795764959.1276736259,19,5,NULL,NULL,NULL,0,X'01a21beeb797988a2cecf83156892436',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(24,NULL,'304.0',NULL,NULL,NULL,NULL,1795764959.1285521984,NULL,1795764959.1285521984,20,2,NULL,NULL,NULL,0,X'01a21beeb797988a2cecf83156892436',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(25,NULL,'1000.4',NULL,NULL,NULL,NULL,1795764959.1312077045,NULL,1795764959.1312077045,21,6,NULL,NULL,NULL,0,X'01a21beeb79bcadb9c70918b87fd0f07',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(26,NULL,'1000.4',NULL,NULL,NULL,NULL,1795764959.132217884,NULL,1795764959.132217884,22,3,NULL,NULL,NULL,0,X'01a21beeb79bcadb9c70918b87fd0f07',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(27,NULL,'305',NULL,NULL,NULL,NULL,1795764959.3352386951,NULL,1795764959.3352386951,23,5,NULL,NULL,NULL,0,X'01a21beeb8676e51f8849cb8fd78867f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(28,NULL,'305.0',NULL,NULL,NULL,NULL,1795764959.3373277187,NULL,1795764959.3373277187,24,2,NULL,NULL,NULL,0,X'01a21beeb8676e51f8849cb8fd78867f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(29,NULL,'1000.5',NULL,NULL,NULL,NULL,1795764959.343953371,NULL,1795764959.343953371,25,6,NULL,NULL,NULL,0,X'01a21beeb86f1b1f0b480c057a638e9f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(30,NULL,'1000.5',NULL,NULL,NULL,NULL,1795764959.3455040455,NULL,1795764959.3455040455,26,3,NULL,NULL,NULL,0,X'01a21beeb86f1b1f0b480c057a638e9f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(31,NULL,'306',NULL,NULL,NULL,NULL,1795764959.5488505363,NULL,1795764959.5488505363,27,5,NULL,NULL,NULL,0,X'01a21beeb93c99597b37ca0dc2530cd1',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(32,NULL,'306.0',NULL,NULL,NULL,NULL,1795764959.5503180026,NULL,1795764959.5503180026,28,2,NULL,NULL,NULL,0,X'01a21beeb93c99597b37ca0dc2530cd1',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(33,NULL,'1000.6',NULL,NULL,NULL,NULL,1795764959.5548205375,NULL,1795764959.5548205375,29,6,NULL,NULL,NULL,0,X'01a21beeb9425a7a2453fec00dfd3a93',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(34,NULL,'1000.6',NULL,NULL,NULL,NULL,1795764959.5568048953,NULL,1795764959.5568048953,30,3,NULL,NULL,NULL,0,X'01a21beeb9425a7a2453fec00dfd3a93',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(35,NULL,'307',NULL,NULL,NULL,NULL,1795764959.7620923519,NULL,1795764959.7620923519,31,5,NULL,NULL,NULL,0,X'01a21beeba127d56b3899ebf8f1a241e',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(36,NULL,'307.0',NULL,NULL,NULL,NULL,1795764959.7635245323,NULL,1795764959.7635245323,32,2,NULL,NULL,NULL,0,X'01a21beeba127d56b3899ebf8f1a241e',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(37,NULL,'1000.7',NULL,NULL,NULL,NULL,1795764959.7729249001,NULL,1795764959.7729249001,33,6,NULL,NULL,NULL,0,X'01a21beeba1cb9be7835f54343b9964f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(38,NULL,'1000.7',NULL,NULL,NULL,NULL,1795764959.7745985984,NULL,1795764959.7745985984,34,3,NULL,NULL,NULL,0,X'01a21beeba1cb9be7835f54343b9964f',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(39,NULL,'308',NULL,NULL,NULL,NULL,1795764959.9793431759,NULL,1795764959.9793431759,35,5,NULL,NULL,NULL,0,X'01a21beebaeb8bf1cab046ca7153c8ac',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(40,NULL,'308.0',NULL,NULL,NULL,NULL,1795764959.9802410602,NULL,1795764959.9802410602,36,2,NULL,NULL,NULL,0,X'01a21beebaeb8bf1cab046ca7153c8ac',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(41,NULL,'1000.8',NULL,NULL,NULL,NULL,1795764959.9849028587,NULL,1795764959.9849028587,37,6,NULL,NULL,NULL,0,X'01a21beebaf0e747049bd0a25c61bc80',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(42,NULL,'1000.8',NULL,NULL,NULL,NULL,1795764959.9873495102,NULL,1795764959.9873495102,38,3,NULL,NULL,NULL,0,X'01a21beebaf0e747049bd0a25c61bc80',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(43,NULL,'309',NULL,NULL,NULL,NULL,1795764960.1922137736,NULL,1795764960.1922137736,39,5,NULL,NULL,NULL,0,X'01a21beebbc07f7740f7ad363bf0efd2',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(44,NULL,'309.0',NULL,NULL,NULL,NULL,1795764960.195215702,NULL,1795764960.195215702,40,2,NULL,NULL,NULL,0,X'01a21beebbc07f7740f7ad363bf0efd2',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(45,NULL,'1000.9',NULL,NULL,NULL,NULL,1795764960.1984844207,NULL,1795764960.1984844207,41,6,NULL,NULL,NULL,0,X'01a21beebbc6417cc50d2d0cd79f60a0',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(46,NULL,'1000.9',NULL,NULL,NULL,NULL,1795764960.2001450061,NULL,1795764960.2001450061,42,3,NULL,NULL,NULL,0,X'01a21beebbc6417cc50d2d0cd79f60a0',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(47,NULL,'310',NULL,NULL,NULL,NULL,1795764960.4071617126,NULL,1795764960.4071617126,43,5,NULL,NULL,NULL,0,X'01a21beebc974d48e751e3b9f3401bb1',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(48,NULL,'310.0',NULL,NULL,NULL,NULL,1795764960.4091548919,NULL,1795764960.4091548919,44,2,NULL,NULL,NULL,0,X'01a21beebc974d48e751e3b9f3401bb1',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(49,NULL,'1001.0',NULL,NULL,NULL,NULL,1795764960.4150202274,NULL,1795764960.4150202274,45,6,NULL,NULL,NULL,0,X'01a21beebc9fc19b2a0293d739cfc92a',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(50,NULL,'1001.0',NULL,NULL,NULL,NULL,1795764960.417308092,NULL,1795764960.417308092,46,3,NULL,NULL,NULL,0,X'01a21beebc9fc19b2a0293d739cfc92a',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(51,NULL,'311',NULL,NULL,NULL,NULL,1795764960.6229243278,NULL,1795764960.6229243278,47,5,NULL,NULL,NULL,0,X'01a21beebd6ea30ba76919d475f075d6',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(52,NULL,'311.0',NULL,NULL,NULL,NULL,1795764960.6241374016,NULL,1795764960.6241374016,48,2,NULL,NULL,NULL,0,X'01a21beebd6ea30ba76919d475f075d6',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(53,NULL,'1001.1',NULL,NULL,NULL,NULL,1795764960.6275072097,NULL,1795764960.6275072097,49,6,NULL,NULL,NULL,0,X'01a21beebd7392c21f7b140336094452',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(54,NULL,'1001.1',NULL,NULL,NULL,NULL,1795764960.6291778087,NULL,1795764960.6291778087,50,3,NULL,NULL,NULL,0,X'01a21beebd7392c21f7b140336094452',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(55,NULL,'312',NULL,NULL,NULL,NULL,1795764960.8439486026,NULL,1795764960.8439486026,51,5,NULL,NULL,NULL,0,X'01a21beebe4bbb07ede50a82bd445387',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(56,NULL,'312.0',NULL,NULL,NULL,NULL,1795764960.8458826542,NULL,1795764960.8458826542,52,2,NULL,NULL,NULL,0,X'01a21beebe4bbb07ede50a82bd445387',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
INSERT INTO states VALUES(57,NULL,'1001.2',NULL,NULL,NULL,NULL,1795764960.8490834236,NULL,1795764960.8490834236,53,6,NULL,NULL,NULL,0,X'01a21beebe516ef6931761acecd79e62',X'6bb06e5a3ca448a58731080c68596a0a',NULL,6);
INSERT INTO states VALUES(58,NULL,'1001.2',NULL,NULL,NULL,NULL,1795764960.8530726432,NULL,1795764960.8530726432,54,3,NULL,NULL,NULL,0,X'01a21beebe516ef6931761acecd79e62',X'6bb06e5a3ca448a58731080c68596a0a',NULL,3);
INSERT INTO states VALUES(59,NULL,'313',NULL,NULL,NULL,NULL,1795764961.0590555667,NULL,1795764961.0590555667,55,5,NULL,NULL,NULL,0,X'01a21beebf23ae3226cdad3ad1e34417',X'6bb06e5a3ca448a58731080c68596a0a',NULL,5);
INSERT INTO states VALUES(60,NULL,'313.0',NULL,NULL,NULL,NULL,1795764961.0605120658,NULL,1795764961.0605120658,56,2,NULL,NULL,NULL,0,X'01a21beebf23ae3226cdad3ad1e34417',X'6bb06e5a3ca448a58731080c68596a0a',NULL,2);
CREATE TABLE statistics (
	id INTEGER NOT NULL, 
	created CHAR(0), 
	created_ts FLOAT, 
	metadata_id INTEGER, 
	start CHAR(0), 
	start_ts FLOAT, 
	mean FLOAT, 
	min FLOAT, 
	max FLOAT, 
	last_reset CHAR(0), 
	last_reset_ts FLOAT, 
	state FLOAT, 
	sum FLOAT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(metadata_id) REFERENCES statistics_meta (id) ON DELETE CASCADE
);
CREATE TABLE statistics_short_term (
	id INTEGER NOT NULL, 
	created CHAR(0), 
	created_ts FLOAT, 
	metadata_id INTEGER, 
	start CHAR(0), 
	start_ts FLOAT, 
	mean FLOAT, 
	min FLOAT, 
	max FLOAT, 
	last_reset CHAR(0), 
	last_reset_ts FLOAT, 
	state FLOAT, 
	sum FLOAT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(metadata_id) REFERENCES statistics_meta (id) ON DELETE CASCADE
);
CREATE INDEX ix_event_data_hash ON event_data (hash);
CREATE UNIQUE INDEX ix_event_types_event_type ON event_types (event_type);
CREATE INDEX ix_state_attributes_hash ON state_attributes (hash);
CREATE UNIQUE INDEX ix_states_meta_entity_id ON states_meta (entity_id);
CREATE UNIQUE INDEX ix_statistics_meta_statistic_id ON statistics_meta (statistic_id);
CREATE INDEX ix_recorder_runs_start_end ON recorder_runs (start, "end");
CREATE INDEX ix_statistics_runs_start ON statistics_runs (start);
CREATE INDEX ix_events_time_fired_ts ON events (time_fired_ts);
CREATE INDEX ix_events_context_id_bin ON events (context_id_bin);
CREATE INDEX ix_events_data_id ON events (data_id);
CREATE INDEX ix_events_event_type_id_time_fired_ts ON events (event_type_id, time_fired_ts);
CREATE INDEX ix_states_old_state_id ON states (old_state_id);
CREATE INDEX ix_states_context_id_bin ON states (context_id_bin);
CREATE INDEX ix_states_last_updated_ts ON states (last_updated_ts);
CREATE INDEX ix_states_metadata_id_last_updated_ts ON states (metadata_id, last_updated_ts);
CREATE INDEX ix_states_attributes_id ON states (attributes_id);
CREATE INDEX ix_statistics_start_ts ON statistics (start_ts);
CREATE UNIQUE INDEX ix_statistics_statistic_id_start_ts ON statistics (metadata_id, start_ts);
CREATE INDEX ix_statistics_short_term_start_ts ON statistics_short_term (start_ts);
CREATE UNIQUE INDEX ix_statistics_short_term_statistic_id_start_ts ON statistics_short_term (metadata_id, start_ts);
COMMIT;
